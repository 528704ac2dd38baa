"""The commands of docs/selecting-with-hed.md print what the guide shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "selecting-with-hed.md"


def test_the_commands_of_the_guide_print_what_it_shows(command, shared, eegbci, synthetic):
    guide = GUIDE.read_text(encoding="utf-8")
    Path("bids_dl/sample").mkdir(parents=True)
    Path("bids_dl/sample/ds004362").symlink_to(eegbci)
    Path("synthetic").symlink_to(synthetic)
    Path("ds005505").symlink_to(shared / "hed-metadata" / "ds005505")
    Path("eyes.yaml").write_text(re.search(r"```yaml\n(.*?)```", guide, re.DOTALL).group(1))
    commands = re.findall(r"^bids-dl (.*)$", guide, re.MULTILINE)
    results = [command(*shlex.split(line)) for line in commands]
    assert len(results) == 5
    assert all(result.status == 0 for result in results), results
    plotted, hbn, columns, aliased, excluded = results
    assert re.search(r"eyes_closed Eyes-closed 4 4 116 0 recording 4", plotted.words)
    assert re.search(r"5 25 425 0 until 25", hbn.words)
    assert "alias Shut: Eyes-closed OR Close-eyes OR Label/now-close-your-eyes" in aliased.err
    assert "left out of eyes_open: block: window" in excluded.words
    assert Path("eyes-closed.png").exists()
    assert "BASE1T0 value==BASE1T0 4 4 120 0 recording 4" in columns.words


def test_the_errors_of_the_guide_are_those_of_the_command(command, shared):
    guide = GUIDE.read_text(encoding="utf-8")
    Path("ds005505").symlink_to(shared / "hed-metadata" / "ds005505")
    query = re.search(r"^error: --hed \"(.*?)\"", guide, re.MULTILINE).group(1)
    refused = command("events", "ds005505", "--task", "RestingState", "--hed", query)
    assert refused.err.strip() in guide
    conjunction = "Sensory-event && Female && Sentence"
    refused = command("events", "ds005505", "--task", "RestingState", "--hed", conjunction)
    assert '--hed "Sensory-event AND Female AND Sentence" matches 55' in refused.err
