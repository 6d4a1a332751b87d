"""A failure ends in one cause, one remedy and the log's path."""

import errno

import pytest
from steps.failure import Failure, diagnose, report
from steps.places import Places

RETRY = "WARNING: Retrying (Retry(total=4)) after connection broken by '{}': /simple/hatchling/\n"
NO_MATCH = "ERROR: No matching distribution found for hatchling>=1.27\n"


def test_the_report_is_three_lines_whatever_the_cause_holds(capsys, tmp_path):
    report(Failure("demo: cell 3 failed:\nValueError", "mend\nit", tmp_path / "demo.log"))
    assert capsys.readouterr().err.splitlines() == [
        "cause: demo: cell 3 failed: ValueError",
        "remedy: mend it",
        f"log: {tmp_path / 'demo.log'}",
    ]


@pytest.mark.parametrize(
    ("output", "cause", "remedy"),
    [
        (RETRY.format("NewConnectionError(...)") + NO_MATCH, "index cannot be reached", "PIP_INDEX_URL"),
        (RETRY.format("ProxyError('Cannot connect to proxy.')") + NO_MATCH, "proxy refused", "HTTPS_PROXY"),
        (
            "ERROR: Exception:\nTraceback\nx.InvalidURL: Failed to parse: http://h:p",
            "malformed",
            "ALL_PROXY",
        ),
        ("x.InvalidProxyURL: Please check proxy URL. It could be missing the host.", "malformed", "HTTPS_PROXY"),
        ("ERROR: Exception:\nTraceback\nValueError: said at the end", "said at the end", "log"),
        (RETRY.format("SSLError(CERTIFICATE_VERIFY_FAILED)") + NO_MATCH, "certificate", "SSL_CERT_FILE"),
        ("ERROR: Could not find a suitable TLS CA certificate bundle, invalid path: /x", "certificate", "PIP_CERT"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "full", "space"),
        ("ERROR: Invalid requirement. Missing dependencies for SOCKS support.", "SOCKS", "HTTP proxy"),
        ("ERROR: HTTP error 403 while getting https://mirror/x.whl", "refused access", "password"),
        ("npm error code ECONNREFUSED\nnpm error A complete log of this run", "index cannot be reached", "network"),
        (NO_MATCH, "No matching distribution found for hatchling", "PYTHON="),
        ("  error: command 'gcc' failed\nERROR: Failed building wheel for x", "Failed building wheel for x", "PYTHON="),
        ("some line\nthe last line\n[notice] A new release of pip\n", "the last line", "log"),
        ("", "said nothing", "log"),
    ],
)
def test_known_causes_have_a_remedy_and_others_show_their_last_line(output, cause, remedy):
    failure = diagnose("environment", output, None)
    assert failure.cause.startswith("environment: ")
    assert cause in failure.cause
    assert remedy in failure.remedy


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "denied"), (errno.EROFS, "Read-only")]
)
def test_what_the_system_refuses_is_named(number, words):
    import os

    failure = Failure.of_os_error(OSError(number, os.strerror(number)), "cannot write build/")
    assert words in failure.cause
    assert failure.remedy


def test_a_build_folder_that_cannot_be_made_is_a_failure_not_a_traceback(tmp_path):
    (tmp_path / "build").write_text("a file is in the way")
    with pytest.raises(Failure, match="cannot write build/"):
        Places(tmp_path).make()
