"""Pages, Markdown and pictures of graphs: whole, safe, and drawn as the graph is."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

from zoo.report.graph_picture import Drawn, graph_svg
from zoo.report.markdown import markdown
from zoo.report.page import page

EVIL = "<script>alert('&')</script>"


def test_a_page_is_a_whole_document_for_phones_and_both_colour_schemes() -> None:
    text = page("A title", "<p>body</p>")
    assert text.startswith("<!doctype html>")
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "<p>body</p>" in text
    assert "@media (prefers-color-scheme: dark)" in text
    assert "@media print" in text
    for name in ("--ink", "--paper", "--line", "--accent", "--soft"):
        assert text.count(f"{name}:") >= 2


def test_a_title_is_text_and_a_script_cannot_end_early() -> None:
    text = page(EVIL, "", script='const a = "</script><b>";')
    assert "<title>&lt;script&gt;" in text
    assert 'const a = "<\\/script><b>";' in text
    assert text.count("</script>") == 1


def test_a_page_without_a_script_has_none() -> None:
    assert "<script" not in page("t", "b")


def test_markdown_has_tables_that_scroll() -> None:
    html = markdown("| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert html.startswith('<div class="scroll" tabindex="0"><table>')
    assert "<td>2</td>" in html


def test_markdown_brings_neither_html_nor_scripts_nor_pictures_from_elsewhere() -> None:
    html = markdown(f"{EVIL}\n\n[go](javascript:alert(1)) ![p](https://example.org/p.png)")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert 'href="javascript' not in html
    assert "<img" not in html


NODES = [
    Drawn("x", "input", "(batch, 8)"),
    Drawn("first", "Dense", "(batch, 8)", "72", ("x",)),
    Drawn("second", "Dense", "(batch, 8)", "72", ("first",)),
    Drawn("sum", "Add", "(batch, 8)", "0", ("x", "second"), is_output=True),
]


def _texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return [str(each.text) for each in root.iter() if each.tag.endswith("}text")]


def _boxes(svg: str) -> list[dict[str, float]]:
    root = ElementTree.fromstring(svg)
    rects = [each.attrib for each in root.iter() if each.tag.endswith("}rect")]
    names = ("x", "y", "width", "height")
    return [{name: float(rect[name]) for name in names} for rect in rects]


def test_a_graph_is_drawn_with_names_types_shapes_and_parameters() -> None:
    texts = _texts(graph_svg(NODES))
    assert texts[:3] == ["x", "input", "(batch, 8)"]
    assert texts[3:6] == ["first", "Dense", "(batch, 8) \u00b7 72 parameters"]
    assert texts[-1] == "(batch, 8)"  # no word of no parameters


def test_a_node_stands_below_all_it_takes_and_boxes_do_not_overlap() -> None:
    wide = [Drawn(f"n{i}", "Dense", "(batch, 8)", "72", ("x",)) for i in range(7)]
    joined = Drawn("all", "Add", "(batch, 8)", "", tuple(node.name for node in wide))
    for nodes in (NODES, [NODES[0], *wide, joined]):
        boxes = _boxes(graph_svg(nodes))
        assert len(boxes) == len(nodes)
        # Boxes come in the order of rows; names of a row may change places.
        order = dict(zip(_texts(graph_svg(nodes))[::3], boxes, strict=True))
        for node in nodes:
            for name in node.inputs:
                assert order[name]["y"] + order[name]["height"] < order[node.name]["y"]
        for first in boxes:
            for second in boxes:
                apart = (
                    first["x"] + first["width"] <= second["x"]
                    or second["x"] + second["width"] <= first["x"]
                    or first["y"] != second["y"]
                )
                assert apart or first is second


def test_a_graph_has_an_edge_for_every_input_of_every_node() -> None:
    svg = graph_svg(NODES)
    assert svg.count("<path ") == sum(len(node.inputs) for node in NODES)


def test_names_in_a_graph_are_text() -> None:
    svg = graph_svg([Drawn(EVIL, EVIL, EVIL)])
    assert "<script" not in svg
    assert _texts(svg)[0] == "<script>alert('&')</script>"
    assert ElementTree.fromstring(svg).attrib["aria-label"].endswith(EVIL)


def test_a_graph_has_the_colours_of_its_page_and_no_others() -> None:
    svg = graph_svg(NODES)
    assert re.findall(r"#[0-9a-fA-F]{6}", svg) == []
    assert "var(--ink)" in svg


def test_a_page_fetches_nothing(resources: Callable[[str], list[str]]) -> None:
    assert resources(page("t", "b")) == ["data:,"]
    assert resources('<style>a{background:url(x.png)}</style><img src="y.png">') == [
        "y.png",
        "x.png",
    ]
