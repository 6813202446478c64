"""Proves that the picture has every trust of both sides, is well-formed, and runs and fetches nothing."""

from xml.etree import ElementTree

from support.wide import WIDE, changed

from lakelatch.access.diff.of_model import of_model
from lakelatch.access.diff.picture import ROWS, edges, picture
from lakelatch.access.diff.snapshot import Snapshot
from lakelatch.access.model import AccessModel
from lakelatch.access.summary import DATABRICKS, GATEWAY, Trusted
from lakelatch.access.trusts import Trust

OKTA = "https://acme.okta.com/oauth2/aus1"


def side(text: str) -> Snapshot:
    return of_model(AccessModel.read(text))


def test_what_changes_is_drawn_as_such() -> None:
    new = side(changed("services", "exporter", "workload", "client_id", to="0oa2"))
    kinds = {(edge.who, edge.by): edge.kind for edge in edges(side(WIDE), new)}
    assert kinds["exporter", GATEWAY] == "changed"
    assert [kind for kind in kinds.values() if kind != "same"] == ["changed"]
    moved = side(changed("services", "exporter", "via", to="direct"))
    found = [(edge.issuer, edge.by, edge.kind) for edge in edges(side(WIDE), moved) if edge.kind != "same"]
    gateway = "https://databricks.example.com"
    assert found == [(OKTA, DATABRICKS, "added"), (OKTA, GATEWAY, "removed"), (gateway, DATABRICKS, "removed")]


def test_the_picture_is_a_document_that_says_its_changes_in_words() -> None:
    drawing = ElementTree.fromstring(picture(side(WIDE), side(changed("services", "exporter", "via", to="direct"))))
    svg = "{http://www.w3.org/2000/svg}"
    assert "Databricks now takes tokens of https://acme.okta.com/oauth2/aus1 for exporter." in str(
        drawing.findtext(f"{svg}desc")
    )
    assert len(drawing.findall(f"{svg}path[@class='line added']")) == 2
    assert not [one for one in drawing.iter() if one.tag.endswith(("script", "image", "use", "foreignObject"))]
    assert not [name for one in drawing.iter() for name in one.attrib if "href" in name or name.startswith("on")]


def test_a_name_is_text_whatever_stands_in_it() -> None:
    hostile = '<script>alert("x")</script>&\x07'
    drawn = picture(Snapshot(), Snapshot(trusts=(Trusted(hostile, DATABRICKS, Trust(hostile, ("a",), "b")),)))
    drawing = ElementTree.fromstring(drawn)
    assert not list(drawing.iter("{http://www.w3.org/2000/svg}script"))


def test_of_many_trusts_those_that_change_are_drawn_and_the_rest_is_counted() -> None:
    many = tuple(Trusted(f"service-{number}", DATABRICKS, Trust("https://i", ("a",), "b")) for number in range(200))
    one = Trusted("new", DATABRICKS, Trust("https://i", ("a",), "new"))
    drawn = picture(Snapshot(trusts=many), Snapshot(trusts=(*many, one)))
    assert "+ new" in drawn
    assert f"{201 - ROWS} more are not drawn." in drawn


def test_without_a_trust_there_is_still_a_picture() -> None:
    assert "0 trusts come" in picture(Snapshot(), Snapshot())
