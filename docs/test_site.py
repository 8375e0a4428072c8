"""The built site, as a reader's browser sees it: ``python -m pytest docs/test_site.py``.

After ``python docs/build.py``. Needs selenium, chromium and chromedriver. The browser cannot reach
anything but the server of this test.
"""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urldefrag
from urllib.request import Request, urlopen

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

HTML = Path(__file__).parent / "_build" / "html"
DESKTOP, PHONE = (1400, 900), (390, 844)
LOOK = """
const [done] = arguments, all = selector => [...document.querySelectorAll(selector)];
const pictures = all("img"), around = [];
for (const picture of pictures) picture.loading = "eager";
let box = document.querySelector("h1") ?? document.body;
for (; box; box = box.parentElement) around.push(box);
const name = ({tagName, className, textContent}) =>
    `${tagName} ${className}: ${textContent.trim().slice(0, 40)}`;
const wide = all("body *").filter(box => {
    const {overflowX, textOverflow, visibility} = getComputedStyle(box);
    return box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 1 && box.checkVisibility()
        && overflowX != "visible" && textOverflow != "ellipsis" && visibility != "hidden";
});
const hinted = box => getComputedStyle(box).backgroundAttachment.includes("local");
const seen = all(".bd-header__inner > *, .bd-header__inner .navbar-nav > *").filter(
    box => box.clientHeight && box.checkVisibility()).map(box => box.getBoundingClientRect());
Promise.allSettled(pictures.map(picture => picture.decode())).then(() => done({
    excess: Math.max(...around.map(box => box.scrollWidth - box.clientWidth)),
    cut: wide.filter(box => !hinted(box)).map(name),
    one_row: Math.max(...seen.map(box => box.top)) < Math.min(...seen.map(box => box.bottom)),
    blank: pictures.filter(picture => !picture.naturalWidth).map(picture => picture.src),
    links: all("a[href]").map(link => link.href),
    files: pictures.flatMap(({srcset}) => srcset.split(",").filter(Boolean)).map(
        entry => new URL(entry.trim().split(" ")[0], document.baseURI).href),
    names: all("[id]").map(element => element.id),
    fetched: performance.getEntriesByType("resource").map(entry => entry.name),
}));
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    """Address of the built site, served from this machine."""
    assert (HTML / "index.html").exists(), "first: python docs/build.py"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "headless=new",
        "no-sandbox",
        "disable-dev-shm-usage",
        "hide-scrollbars",
        "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(f"--{argument}")
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def resize(browser, size):
    width, height = size
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )


def visit(browser, address):
    """Open a page, wait until its pictures are there, and say what is on it."""
    browser.get(address)
    page = browser.execute_async_script(LOOK)
    return page | {"console": [e for e in browser.get_log("browser") if e["level"] == "SEVERE"]}


@pytest.fixture(scope="module")
def on_desktop(browser, site):
    """Every page that links lead to from the first one, breadth first: address -> what is on it."""
    resize(browser, DESKTOP)
    pages, queue = {}, [f"{site}index.html"]
    for address in queue:
        pages[address] = visit(browser, address)
        for link in pages[address]["links"]:
            target = urldefrag(link).url
            is_page = target.startswith(site) and target.endswith(".html")
            if is_page and target not in queue and is_there(target):
                queue.append(target)
    return pages


@pytest.fixture(scope="module")
def on_phone(browser, on_desktop):
    resize(browser, PHONE)
    return {address: visit(browser, address) for address in on_desktop}


def is_there(address):
    try:
        with urlopen(Request(address, method="HEAD")) as answer:
            return answer.status == 200
    except HTTPError:
        return False


def on_pages(pages, part):
    """What this part of the pages holds: (page, thing)."""
    return [(address, thing) for address, page in pages.items() for thing in page[part]]


def test_links_lead_to_every_page(site, on_desktop):
    pages = [page.relative_to(HTML) for page in HTML.rglob("*.html") if page.name != "search.html"]
    built = {f"{site}{page.as_posix()}" for page in pages if "_static" not in page.parts}
    assert built == set(on_desktop)


def test_no_link_is_dead(site, on_desktop):
    """Neither of those to follow nor of those to larger pictures, for screens of more pixels."""
    links = on_pages(on_desktop, "links") + on_pages(on_desktop, "files")
    local = {urldefrag(link).url for _, link in links if link.startswith(site)}
    dead = {address for address in local if not is_there(address)}
    assert not [(page, link) for page, link in links if urldefrag(link).url in dead]


def test_every_link_into_a_page_finds_its_place(on_desktop):
    missing = []
    for page, link in on_pages(on_desktop, "links"):
        address, place = urldefrag(link)
        if place and address in on_desktop and unquote(place) not in on_desktop[address]["names"]:
            missing.append((page, link))
    assert not missing


@pytest.mark.parametrize("pages", ["on_desktop", "on_phone"])
def test_every_picture_is_there(pages, request):
    assert not on_pages(request.getfixturevalue(pages), "blank")


@pytest.mark.parametrize("pages", ["on_desktop", "on_phone"])
def test_the_console_has_no_error(pages, request):
    assert not on_pages(request.getfixturevalue(pages), "console")


@pytest.mark.parametrize("pages", ["on_desktop", "on_phone"])
def test_nothing_is_fetched_from_elsewhere(pages, request, site):
    fetched = on_pages(request.getfixturevalue(pages), "fetched")
    assert fetched
    assert not [(page, name) for page, name in fetched if not name.startswith((site, "data:"))]


@pytest.mark.parametrize("pages", ["on_desktop", "on_phone"])
def test_no_page_scrolls_sideways(pages, request):
    """Neither the window nor any box around the title; code, tables and formulas may."""
    pages = request.getfixturevalue(pages)
    assert not {address: page["excess"] for address, page in pages.items() if page["excess"] > 1}


@pytest.mark.parametrize("pages", ["on_desktop", "on_phone"])
def test_what_is_wider_than_its_box_scrolls_in_it_and_shows_that_it_does(pages, request):
    """By a shadow that is part of the style; all else would be cut."""
    assert not on_pages(request.getfixturevalue(pages), "cut")


@pytest.mark.parametrize("width", [390, 576, 768, 960, 1100, 1280])
@pytest.mark.parametrize("page", ["index.html", "api/skcoin.BinomialMixture.html", "zh/index.html"])
def test_the_header_is_one_row(browser, site, page, width):
    resize(browser, (width, 844))
    assert visit(browser, site + page)["one_row"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    ("start", "words", "wanted"),
    [
        (
            "index.html",
            "three coin",
            {"gallery/plot_three_coins.html", "api/skcoin.ThreeCoinModel.html"},
        ),
        ("zh/index.html", "三枚硬币", {"zh/gallery/plot_three_coins.html"}),
    ],
    ids=["English", "Chinese"],
)
def test_search_finds_the_three_coins_first(browser, site, size, start, words, wanted):
    """As a reader searches: words and Enter, in the field at the top of the page."""
    resize(browser, size)
    browser.get(site + start)
    (field,) = [f for f in browser.find_elements(By.NAME, "q") if f.is_displayed()]
    field.click()
    field.send_keys(words, Keys.ENTER)

    def found(browser):
        links = "return [...document.querySelectorAll('#search-results li a')].map(a => a.href)"
        return [urldefrag(link).url.removeprefix(site) for link in browser.execute_script(links)]

    WebDriverWait(browser, 10).until(lambda browser: wanted <= set(found(browser)[:3]))


def test_chinese_and_english_pages_link_to_each_other(site, on_desktop):
    chinese = [address for address in on_desktop if address.startswith(f"{site}zh/")]
    assert chinese
    for address in chinese:
        english = address.replace(f"{site}zh/", site)
        assert english in on_desktop[address]["links"]
        assert address in on_desktop[english]["links"]
