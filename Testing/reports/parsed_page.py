"""What a page shows, and what it would fetch."""

from __future__ import annotations

from html.parser import HTMLParser


class ParsedPage(HTMLParser):
    """Pictures, links and text of a page; ``fetched`` is what is not part of the file."""

    def __init__(self, path):
        super().__init__()
        self.pictures, self.fetched, self.links, self.text = [], [], [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "img":
            self.pictures.append(attributes["src"])
        if tag == "a":
            self.links.append(attributes["href"])
        if tag in ("link", "script", "iframe", "img", "image", "use"):
            address = (
                attributes.get("src")
                or attributes.get("href")
                or attributes.get("xlink:href")
                or ""
            )
            if not address.startswith(("data:", "#")):
                self.fetched.append((tag, address))

    def handle_data(self, data):
        self.text.append(data)
