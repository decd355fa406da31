"""`--transport tls`: Partisan over TLS beside TCP, with certificates made for the run."""

import socket
import ssl

import pytest
from click.testing import CliRunner

from partisan_bench import harness
from partisan_bench.cases import PARTISAN, TRIO_STREAM
from partisan_bench.command import bench
from partisan_bench.rows import summarise
from partisan_bench.transports import lacking, transports

with_tls = pytest.mark.skipif(lacking("tls") != "", reason="no OpenSSL on the PATH")


@with_tls
def test_tls_is_measured_beside_tcp_in_each_pair_and_compared_with_it() -> None:
    ((sample, secured),) = harness.run("rtt", [PARTISAN], 1, 0.05, "64B 16 callers", transport="tls")
    assert (sample.case.name, secured.case.name) == ("64B 16 callers", "64B 16 callers tls")
    ratio = summarise([sample, secured])[-1]
    assert (ratio.case, ratio.metric) == ("64B 16 callers tls vs 64B 16 callers", "ratio")
    assert ratio.median == pytest.approx(secured.figures["rate"] / sample.figures["rate"], rel=1e-3)


@with_tls
def test_baselines_are_measured_over_tcp_only() -> None:
    ((sample,),) = harness.run("rtt", [TRIO_STREAM], 1, 0.02, transport="tls")
    assert sample.case.name == "64B"


@with_tls
def test_the_server_of_a_run_speaks_tls_and_shows_a_certificate_with_its_name() -> None:
    with transports("tls") as (_, tls):
        files = {key.rpartition("__")[2]: value for key, value in tls.settings["drive"].items()}
        context = ssl.create_default_context(cafile=files["CA"])
        context.load_cert_chain(files["CERTIFICATE"], files["KEY"])
        run = harness.Run("oneway", PARTISAN, "64B", 0.0, 0.02, tls)
        with run.start("serve") as server:
            assert server.stdout is not None
            host, _, port = server.stdout.readline().strip().rpartition(":")
            try:
                with context.wrap_socket(
                    socket.create_connection((host, int(port))), server_hostname="server"
                ) as spoken:
                    assert spoken.version() == "TLSv1.3"
            finally:
                server.kill()


def test_without_openssl_it_is_refused_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    result = CliRunner().invoke(bench, ["oneway", "--transport", "tls"])
    assert result.exit_code == 2
    assert "the transport tls cannot be measured; pip install partisan-transport-tls" in result.output
