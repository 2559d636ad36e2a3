"""A hook of MkDocs: pages lie on the site where they lie in the repository, so that one link serves both."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
SHOWN = (
    *("*.md", "docs/**/*", "diagnosis/*.md"),
    *("reports/published/**/*", "suites/grids/*.toml", ".github/workflows/*.yml"),
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The theme's files, and those of the repository that are pages or that pages link to."""
    theme = [file for file in files if file.src_dir != config.docs_dir]
    paths = sorted({path for pattern in SHOWN for path in ROOT.glob(pattern) if path.is_file()})
    shown = [path.relative_to(ROOT).as_posix() for path in paths if path.suffix not in (".py", ".pyc")]
    return Files([*theme, *(File(path, str(ROOT), config.site_dir, config.use_directory_urls) for path in shown)])


def on_page_markdown(markdown: str, **_: object) -> str:
    """GitHub reads Markdown within `<details>`; Python-Markdown has to be asked."""
    return markdown.replace("<details>", '<details markdown="1">')
