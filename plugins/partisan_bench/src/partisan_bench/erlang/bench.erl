%% Distributed Erlang: one connection between two nodes, a process for each caller and one for its partner.
%% Records are tuples of four, as those of the other subjects; the distribution encodes and decodes them.
-module(bench).
-export([serve/1, drive/2, partner/0]).

-define(SERVER, 'server@127.0.0.1').
-define(WARM_UP, 0.1).
-define(STRIDE, 100).
-define(STRIDE_BYTES, 16#100000).
-define(IN_FLIGHT, 4).
-define(PAUSE, 1).
-define(ATTEMPTS, 20).
-define(BETWEEN_ATTEMPTS, 250).

%% -- the node that receives and echoes ---------------------------------------------------------------------

serve(Address) ->
    register(sink, spawn(fun() -> sink(0) end)),
    io:format("~s~n", [Address]),
    timer:sleep(infinity).

sink(Count) ->
    receive
        {_, From, true, _} -> From ! {counted, Count + 1}, sink(0);
        {_, _, false, _} -> sink(Count + 1)
    end.

%% Sends a record back as it came; of a bulk only that it came.
partner() ->
    receive
        {bulk, From, _, _} -> From ! came, partner();
        {_, From, _, _} = Record -> From ! Record, partner();
        stop -> ok
    end.

%% -- the node that drives ----------------------------------------------------------------------------------

%% Cases: {Kind, Payload, Callers, Bulk}. Prints figures as JSON and ends.
drive(Cases, Seconds) ->
    connect(?ATTEMPTS),
    Figures = [warmed(Case, Seconds) || Case <- Cases],
    io:format("[~s]~n", [lists:join(",", [json(Each) || Each <- Figures])]),
    halt(0).

%% The first attempt may fail where the processors are busy.
connect(0) ->
    io:format(standard_error, "no connection to the Erlang node~n", []),
    halt(1);
connect(Attempts) ->
    case net_adm:ping(?SERVER) of
        pong -> ok;
        pang -> timer:sleep(?BETWEEN_ATTEMPTS), connect(Attempts - 1)
    end.

warmed(Case, Seconds) ->
    run(Case, ?WARM_UP),
    run(Case, Seconds).

run({oneway, Payload, _, _}, Seconds) ->
    Started = now_us(),
    Stride = min(?STRIDE, ?STRIDE_BYTES div Payload),
    Sent = flood(0, Stride, binary:copy(<<0>>, Payload), Started + Seconds * 1.0e6),
    receive {counted, Sent} -> ok end,
    Elapsed = now_us() - Started,
    [{rate, 1.0e6 * Sent / Elapsed}, {volume, Sent * Payload / Elapsed}];
run({hol, Payload, _, Bulk}, Seconds) ->
    Started = now_us(),
    Deadline = Started + Seconds * 1.0e6,
    Self = self(),
    spawn_link(fun() -> Self ! {acknowledged, stream(Bulk, Deadline)} end),
    spawn_link(fun() -> Self ! {times, call(Payload, Deadline, ?PAUSE)} end),
    Acknowledged = receive {acknowledged, Count} -> Count end,
    Times = lists:sort(receive {times, Taken} -> Taken end),
    Rate = Acknowledged * Bulk / (now_us() - Started),
    [{p50, percentile(Times, 50) / 1000}, {p99, percentile(Times, 99) / 1000}, {bulk, Rate}];
run({_, Payload, Callers, _}, Seconds) ->
    Started = now_us(),
    Self = self(),
    Call = fun() -> Self ! {times, call(Payload, Started + Seconds * 1.0e6, 0)} end,
    [spawn_link(Call) || _ <- lists:seq(1, Callers)],
    Times = lists:sort(lists:append([receive {times, Taken} -> Taken end || _ <- lists:seq(1, Callers)])),
    Rate = 1.0e6 * length(Times) / (now_us() - Started),
    [{p50, percentile(Times, 50)}, {p99, percentile(Times, 99)}, {rate, Rate}].

flood(Sent, Stride, Payload, Deadline) ->
    [{sink, ?SERVER} ! {Number, none, false, Payload} || Number <- lists:seq(Sent + 1, Sent + Stride)],
    case now_us() < Deadline of
        true -> flood(Sent + Stride, Stride, Payload, Deadline);
        false -> {sink, ?SERVER} ! {Sent + Stride + 1, self(), true, Payload}, Sent + Stride + 1
    end.

%% Calls a partner of its own until the deadline, at least once; returns what each call took.
call(Payload, Deadline, Pause) ->
    Partner = spawn(?SERVER, ?MODULE, partner, []),
    Times = call(Partner, {0, self(), false, binary:copy(<<0>>, Payload)}, Deadline, Pause, []),
    Partner ! stop,
    Times.

call(Partner, Record, Deadline, Pause, Times) ->
    Started = now_us(),
    case Started < Deadline orelse Times =:= [] of
        true ->
            Partner ! Record,
            receive {0, _, _, _} -> ok end,
            Taken = now_us() - Started,
            Pause > 0 andalso timer:sleep(Pause),
            call(Partner, Record, Deadline, Pause, [Taken | Times]);
        false ->
            Times
    end.

%% Keeps large messages under way until the deadline, at least one; returns how many came.
stream(0, _) ->
    0;
stream(Bulk, Deadline) ->
    Partner = spawn(?SERVER, ?MODULE, partner, []),
    Came = stream(Partner, {bulk, self(), false, binary:copy(<<0>>, Bulk)}, Deadline, 0, 0),
    Partner ! stop,
    Came.

stream(Partner, Record, Deadline, Sent, Came) ->
    case now_us() < Deadline orelse Sent =:= 0 of
        true when Sent - Came < ?IN_FLIGHT ->
            Partner ! Record,
            stream(Partner, Record, Deadline, Sent + 1, Came);
        false when Sent =:= Came ->
            Came;
        _ ->
            receive came -> stream(Partner, Record, Deadline, Sent, Came + 1) end
    end.

%% -- figures -----------------------------------------------------------------------------------------------

now_us() ->
    erlang:monotonic_time(nanosecond) / 1000.

percentile(Ordered, Percent) ->
    lists:nth(max(1, ceil(length(Ordered) * Percent / 100)), Ordered).

json(Figures) ->
    ["{", lists:join(",", [io_lib:format("\"~s\":~.3f", [Name, float(Value)]) || {Name, Value} <- Figures]), "}"].
