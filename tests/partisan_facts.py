"""What Partisan 5.0.3 has: names and numbers only, as data for the tests of the pages about it."""

FUNCTIONS = {
    "partisan": """
        start/0 stop/0 node/0 nodestring/0 node/1 nodes/0 nodes/1 node_spec/0 node_spec/1 node_spec/2 node_info/1
        is_alive/0 is_connected/1 is_connected/2 is_fully_connected/1 join/1 leave/0 disconnect_node/1
        kill_connections/1 default_channel/0 channel_opts/1 broadcast/2

        self/0 self/1 make_ref/0 is_pid/1 is_reference/1 is_local/1 is_local_name/1 is_local_name/2 is_local_pid/1
        is_local_pid/2 is_local_reference/1 is_local_reference/2 is_self/1 whereis/1 is_process_alive/1
        process_info/1 process_info/2 exit/2 spawn/2 spawn/4 spawn_monitor send/2 send/3 send_after/3 send_after/4
        cancel_timer/1 cancel_timer/2 forward_message/2 forward_message/3 forward_message/4 cast_message/2
        cast_message/3 cast_message/4 monitor/1 monitor/2 monitor/3 demonitor/1 demonitor/2 monitor_node/2
        monitor_node/3 monitor_nodes/1 monitor_nodes/2
    """,
    "partisan_peer_service": """
        manager/0 join/1 sync_join/1 leave/0 leave/1 members/0 member/1 members_for_orchestration/0 update_members/1
        connections/0 on_up/2 on_up/3 on_down/2 on_down/3 decode/1 get_local_state/0 reserve/1 partitions/0
        inject_partition/2 resolve_partition/1 add_sup_callback/1 broadcast_members/0 broadcast_members/1
        exchanges/0 exchanges/1 cancel_exchanges/1 stop/0 stop/1
    """,
    "partisan_peer_service_console": "members/1",
    "partisan_rpc": "call/4 call/5",
    "partisan_erpc": """
        call cast send_request receive_response wait_response check_response multicall multicast
    """,
    "partisan_transform": "parse_transform/2",
    "partisan_inet": "net_status/0 net_status/1 monitor/1",
    "partisan_otp_adapter": "gen_server_call gen_server_cast gen_fsm",
    "partisan_vclock": """
        fresh increment merge descends dominates equal glb subtract_dots get_counter all_nodes to_binary from_binary
    """,
    "partisan_retry": "init fail succeed fire count",
    "partisan_interval_sets": "",
}
"""Module -> its public functions; those of which only the name is known stand without their number of arguments."""

DEFECTS = [str(number) for number in range(1, 22)]

COMPLAINTS = """
    #267 #255 #252 #251 #250 #75 #48 #116 #128 #191 #156 #216 #45 #228 #37 #7 #42 erleans#3 #161 #94 #184 #56 #57
"""
"""Threads of its tracker, pull requests included."""

CASES = {
    "The main suite": """
        client_server_manager_test basic_test leave_test self_leave_test on_down_test rpc_test pid_test rejoin_test
        otp_test connectivity_test ack_test causal_test forward_interposition_test forward_delay_interposition_test
        receive_interposition_test performance_test transform_test hyparview_partition_test
        hyparview_high_active_test hyparview_low_active_test hyparview_high_client_test hyparview_xbot
    """,
    "Its settings": """
        with_full_membership_strategy with_ack with_causal_labels with_causal_send with_causal_send_and_ack
        with_forward_interposition with_forward_delay_interposition with_receive_interposition with_tls
        with_parallelism with_parallelism_bypass_pid_encoding with_disterl with_partisan_bypass_pid_encoding
        with_channels with_no_channels with_monotonic_channels with_sync_join with_binary_padding
        with_partition_key with_ingress_delay with_egress_delay with_broadcast
    """,
    "The suite of other strategies": """
        full:connectivity_test full:gossip_demers_direct_mail_test scamp_v1:connectivity_test
        scamp_v2:connectivity_test scamp_v2:gossip_demers_direct_mail_test
    """,
    "The units": """
        peer_connections:init peer_connections:store peer_connections:counts peer_connections:dispatch
        peer_connections:prune remote_ref:formats remote_ref:identity remote_ref:badarg membership_set:laws
        vclock:laws util:listen_addresses interval_sets
    """,
}
"""Suite -> its cases; units are named by their module."""
