"""Update the generated parts of every page and the picture of the rooms."""

from docs.generate.pages import PICTURES, page_paths, rendered


def main() -> None:
    """Write every page and picture that has changed, and print its path."""
    texts = {path: rendered(path.read_text(encoding="utf-8"), str(path)) for path in page_paths()}
    texts |= {path: draw() for path, draw in PICTURES.items()}
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
