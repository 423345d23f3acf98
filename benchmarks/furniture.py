"""What web sites and office documents are padded with, made of parts so that none is like another.

`{name}` in a part is replaced by one of the things of that name.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

_SLOT = re.compile(r"\{(\w+)\}")

_THINGS: Mapping[str, Sequence[str]] = {
    "site": (
        "Harrow & Pike", "Lintel Press", "Oakmere", "the Tarn Institute", "Brightwater Online",
        "Quillon", "Northbank Media", "the Selwick Archive", "Farrow Health", "Cobalt Row",
        "Merrin Group", "the Daily Anchor", "Pellham University", "Stonegate Data", "Ivy Lane",
        "Castor Labs", "the Wend Foundation", "Ormsby Books", "Tidewell", "Larkfield Journals",
    ),
    "host": (
        "harrowpike", "lintelpress", "oakmere", "tarn-institute", "brightwater", "quillon",
        "northbank", "selwick", "farrow-health", "cobaltrow", "merrin", "pellham", "stonegate",
    ),
    "end": ("example", "example.org", "example.net", "example.com"),
    "section": (
        "about", "news", "archive", "help", "library", "papers", "events", "shop", "press",
        "contact", "topics", "reports", "members", "downloads",
    ),
    "month": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    "partner": (
        "advertising partners", "analytics providers", "trusted third parties", "our affiliates",
        "selected vendors", "measurement partners", "social networks",
    ),
    "button": (
        "Accept all", "Reject all", "Manage preferences", "Save and close", "Learn more",
        "Only what is needed", "Cookie settings", "I agree", "Show details", "Not now",
    ),
    "colour": ("green", "grey", "blue", "orange", "white"),
    "place": ("Leeds", "Ghent", "Turin", "Oslo", "Halifax", "Graz", "Porto", "Lund", "Derry"),
}  # fmt: skip

COOKIES = (
    "We use cookies to make {site} work and to see how it is used.",
    "This website stores small files on your device.",
    "{site} and {partner} store and read information on your device.",
    "Your privacy matters to {site}.",
    "Some cookies are needed for the site to work; others help us to improve it.",
    "By clicking the {colour} button you consent to all of them.",
    "You can change your choice at any time in the settings of your browser.",
    "We share data on your visit with {n} {partner}.",
    "Cookies of {partner} are kept for up to {n} days.",
    "If you go on browsing we take it that you are happy with this.",
    "Read our cookie policy at www.{host}.{end}/{section} for the details.",
    "Strictly necessary cookies are always active.",
    "Performance cookies count visits and tell us which pages are read most.",
    "Targeting cookies may be set through our site by {partner}.",
    "Your consent was last updated on {day} {month} {year}.",
    "You may withdraw your consent by writing to privacy@{host}.{end}.",
)

MENU = (
    "Home", "About us", "Contact", "News", "Events", "Careers", "Press", "Log in", "Sign up",
    "My account", "Basket", "Checkout", "Search", "Advanced search", "Browse", "Browse by author",
    "Browse by subject", "Current issue", "All issues", "Archive", "For authors", "For reviewers",
    "For librarians", "Submit", "Subscribe", "Newsletter", "RSS", "Help", "FAQ", "Support",
    "Site map", "Accessibility", "Privacy", "Terms", "Cookies", "Legal notice", "Imprint",
    "Facebook", "LinkedIn", "YouTube", "Share", "Print", "E-mail", "Download PDF", "Export",
    "Cite", "Permissions", "Previous", "Next", "Back to top", "Language", "English", "Deutsch",
    "Français", "Español", "Products", "Services", "Solutions", "Pricing", "Blog", "Community",
    "Forum", "Partners", "Investors", "Donate", "Shop", "Gallery", "Video", "Podcast", "Weather",
)  # fmt: skip

FOOTER = (
    "© {year} {site}. All rights reserved.",
    "Copyright {year} by {site}",
    "Page {n} of {m}",
    "{site} · {n} Market Street · {place}",
    "Tel. +00 {m}{n} {m}{m}, fax +00 {m}{n} {m}{n}",
    "Registered in {place} under no. {m}{m}{n}",
    "VAT no. XX{m}{m}{m}",
    "Printed on {day} {month} {year}",
    "Downloaded from www.{host}.{end} on {day} {month} {year}",
    "Last modified: {year}-0{digit}-{day}",
    "For internal use only. Do not distribute outside {site}.",
    "The views in this document are not necessarily those of {site}.",
    "No part of this publication may be reproduced without leave of {site}.",
    "This message may hold confidential information. If you are not the person it is meant for, "
    "please delete it.",
    "Terms of use | Privacy | Cookies | Legal notice",
    "Follow {site} on all channels",
    "Uncontrolled when printed. Version {digit}.{digit}",
    "info@{host}.{end} | www.{host}.{end}",
)

STUBS = (
    "This page has been moved to www.{host}.{end}/{section}/{m}. Please update your bookmarks.",
    "You will be redirected in {digit} seconds. If nothing happens, follow the link.",
    "The document that you are looking for is no longer available at {site}.",
    "This article is a stub. You can help {site} by adding to it.",
    "Content is being loaded. Please enable scripts in your browser.",
    "No results. Try other search terms, or go back to the {section} page.",
    "You must be signed in to see this {section} page. Sign in or create an account.",
    "This item was generated automatically on {day} {month} {year} and has not been reviewed.",
    "Error {m}: the server could not answer the request. Reference {m}{n}{m}.",
    "[Image: untitled-{n}.jpg]",
    "This section is left blank on purpose.",
    "Draft. Text to follow. Placeholder for {section}.",
    "Access to this {section} is restricted to members of {site}.",
    "Under maintenance until {day} {month}. We are sorry for the trouble.",
    "0 comments. Be the first to comment on this {section} entry.",
    "Tags: {section}, {section}, {section}. Categories: {section}.",
)

HEADINGS = (
    "Introduction", "Scope", "Background", "Terms and definitions", "Related documents",
    "Materials", "Methods", "Procedure", "Data", "Results", "Discussion", "Limits", "Outlook",
    "Summary", "Acknowledgements", "References", "Appendix", "List of figures", "List of tables",
    "Foreword", "Index", "Glossary", "Contacts", "Change history", "Overview", "Requirements",
    "Installation", "Maintenance", "Safety", "Responsibilities", "Records", "Review", "Training",
)  # fmt: skip

_ONSETS = ("v", "d", "l", "m", "s", "t", "c", "p", "qu", "r", "n", "f", "tr", "pl", "cr", "")
_RHYMES = ("a", "e", "i", "o", "u", "or", "em", "us", "is", "at", "un", "ae", "il", "en", "ar")


def made(part: str, source: random.Random) -> str:
    """`part` with its slots filled."""
    return _SLOT.sub(lambda slot: _thing(slot[1], source), part)


def latin(source: random.Random) -> str:
    """A word that sounds like Latin and is none."""
    count = source.choice((1, 2, 2, 3, 3, 4))
    return "".join(source.choice(_ONSETS) + source.choice(_RHYMES) for _ in range(count))


def _thing(name: str, source: random.Random) -> str:
    ranges = {"digit": (1, 9), "n": (2, 99), "m": (100, 999), "year": (1996, 2026), "day": (10, 28)}
    if name in ranges:
        return str(source.randint(*ranges[name]))
    return source.choice(_THINGS[name])
