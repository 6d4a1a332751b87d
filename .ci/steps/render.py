"""Does this browser render a page? `python -I render.py EXECUTABLE`; exit code 0 says yes.

A program of its own, started by browser.py under a time limit: it needs Playwright, which only the environment has,
and a browser that hangs must not take the set-up with it. It starts the browser exactly as the tests do.
"""

import sys
from typing import Any

ARGUMENTS = [
    "--no-sandbox",  # root and most containers have no other way
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",  # a container's /dev/shm is 64 MB
    "--no-first-run",
    "--disable-background-networking",
    # The browser's own calls home go nowhere, with a proxy in the environment or without.
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-component-update",
    "--disable-sync",
]
PAGE = "data:text/html,<body style='margin:0;background:{}'><script>document.title=6*7</script><p>alloy</p>"


def launch(playwright: Any, executable: str) -> Any:
    """The browser at `executable`, without a window."""
    return playwright.chromium.launch(executable_path=executable, headless=True, args=ARGUMENTS)


def paint(page: Any, colour: str) -> bytes:
    """A picture of a page whose script ran and whose text is laid out."""
    page.goto(PAGE.format(colour))
    if page.title() != "42":
        raise RuntimeError("a page's script did not run")
    if page.locator("p").bounding_box()["height"] <= 0:
        raise RuntimeError("a page's text has no height")
    return bytes(page.screenshot())


def main(executable: str) -> int:
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            browser = launch(playwright, executable)
            page = browser.new_page(viewport={"width": 320, "height": 200})
            red, blue = paint(page, "red"), paint(page, "blue")
            version = browser.version
            browser.close()
    except (Error, RuntimeError) as error:
        print(f"ERROR: {reason(str(error))}")
        return 1
    if red == blue or not red.startswith(b"\x89PNG"):
        print("ERROR: two different pages look the same")
        return 1
    print(version)
    return 0


def reason(message: str) -> str:
    """The line of Playwright's report that tells most: what the browser itself said last."""
    lines = [line.strip(" -│║╔╚═╗╝") for line in message.splitlines()]
    said = [line for line in lines if "[err]" in line or "error while loading" in line]
    return (said or [line for line in lines if line] or ["it said nothing"])[0][:300]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
