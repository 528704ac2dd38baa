"""Commands, options and texts of the plug-in keep every character and digit."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import pytest
from eeglab.octave import run_cases

import bids_dl

SCRIPT = r"""
EEG = 7;
function varargout = echo_back(varargin), varargout = {varargin}; end
values = {{'x', 'it''s'; '50%\ ', ['u' char(10) 'v']}, 0.1 + 0.2, [1 2.5; 3 1e-9], true, 'end', ...
    {}, [], '', 'é $HOME `ls` "q"', {'a'; 'b'}, -0.1, NaN, {1, {'deep', [1 2]}}};
com = bidsdl_command('again', 'echo_back', values{:});
eval(com);
emit('round trip', struct('same', isequaln(again, values), 'com', com));
emit('variable', struct('com', bidsdl_command('EEG', 'pop_x', @() EEG, 'y')));
emit('nothing', struct('com', bidsdl_command('', 'pop_x')));

options = {'hed', {'1-back', 'Label/1-back'; '', 'Red || Blue'}, 'tmin', -0.5, 'tmax', 1/3, ...
    'split', [0.7 0.15 0.15], 'subject', {'001', '002'}, 'overwrite', true, 'whole', false, ...
    'min_duration', {'a', 2}, 'recipe', '', 'task', {}, 'event', {'type'}, 'dtype', 'int16'};
emit('options', struct('words', {bidsdl_arguments(options)}));
emit('odd', struct('text', failure(@() bidsdl_arguments({'hed'}))));
emit('class', struct('text', failure(@() bidsdl_arguments({'hed', struct('a', 1)}))));

lines = bidsdl_lines(['  one ' char(10) char(10) 'two' char(13) char(10)]);
rows = bidsdl_lines(char('one', '', 'longer'));
cells = bidsdl_lines({'one'; ['two' char(10) 'three']; '  '});
emit('lines', struct('text', {lines'}, 'rows', {rows'}, 'cells', {cells'}));
emit('no lines', struct('count', [numel(bidsdl_lines('')), numel(bidsdl_lines({}))]));
emit('wrap', struct('text', bidsdl_wrap(['one two three' char(10) '  four five' char(10)], 8)));
emit('typed', struct('values', {bidsdl_typed('''task'', ''rest'', ''seed'', 3')}, ...
    'none', numel(bidsdl_typed(' ')), 'odd', failure(@() bidsdl_typed('''task''')), ...
    'wrong', failure(@() bidsdl_typed('task = rest'))));

answer = bidsdl_run({'--version'});
emit('run', answer);
handle = fopen('json.py', 'w');
fprintf(handle, 'raise SystemExit(9)');
fclose(handle);
answer = bidsdl_run({'--version'});
delete('json.py');
emit('module of the folder', struct('status', answer.status));
hard = {['a blank, an apostrophe '' and é'], '"$HOME" `ls` \ % * ; & |'};
answer = bidsdl_run({'info', hard{1}, hard{2}});
emit('shell', struct('status', answer.status, 'text', strjoin(answer.messages, ' ')));
answer = bidsdl_run({'events', 'nowhere'}, struct('hed', 'Eyes-open'), {});
emit('refused', struct('text', failure(@() bidsdl_check(answer))));
answer = struct('status', 130, 'messages', {{'error: interrupted'}});
emit('interrupted', struct('text', failure(@() bidsdl_check(answer))));
answer = struct('status', 1, 'messages', {{}});
emit('failed', struct('text', failure(@() bidsdl_check(answer))));
answer.messages = {'12 of 80 recordings', 'Traceback (most recent call last):', ...
    '  File "a.py", line 3, in <module>', 'ImportError: no name x', ''};
emit('unexpected', struct('text', failure(@() bidsdl_check(answer))));
bidsdl_check(struct('status', 3, 'messages', {{}}));
emit('request kept', struct('variable', getenv('BIDS_DL_REQUEST')));
"""


@pytest.fixture(scope="module")
def cases() -> Mapping[str, Mapping[str, Any]]:
    emitted = run_cases(SCRIPT, environment={"BIDS_DL_PYTHON": sys.executable})
    return {case["case"]: case for case in emitted}


def test_a_command_of_the_history_evaluates_to_the_same_values(cases):
    assert cases["round trip"]["same"] is True, cases["round trip"]["com"]


def test_a_variable_stands_by_its_name_in_a_command(cases):
    assert cases["variable"]["com"] == "EEG = pop_x(EEG, 'y');"
    assert cases["nothing"]["com"] == "pop_x();"


def test_options_become_arguments_of_the_command_line(cases):
    words = cases["options"]["words"]
    number = next(word for word in words if word.startswith("--tmax="))
    assert float(number.removeprefix("--tmax=")) == 1 / 3
    assert [word for word in words if word != number] == [
        *("--hed=1-back=Label/1-back", "--hed=Red || Blue", "--tmin=-0.5"),
        *("--split=0.7,0.15,0.15", "--subject=001", "--subject=002", "--overwrite"),
        *("--min-duration=a=2", "--event=type", "--dtype=int16"),
    ]


def test_options_without_a_value_or_of_a_wrong_class_are_refused(cases):
    assert cases["odd"]["text"] == "1 names and values; give each option a value"
    assert "hed: the value has class struct; give text or numbers" in cases["class"]["text"]


def test_a_field_of_several_lines_is_read_in_each_form_that_windows_return(cases):
    assert cases["lines"]["text"] == ["one", "two"]
    assert cases["lines"]["rows"] == ["one", "longer"]
    assert cases["lines"]["cells"] == ["one", "two", "three"]
    assert cases["no lines"]["count"] == [0, 0]


def test_long_lines_break_at_blanks_and_keep_their_indent(cases):
    assert cases["wrap"]["text"] == "one two\nthree\n  four\n  five\n"


def test_more_options_are_typed_as_in_a_call(cases):
    case = cases["typed"]
    assert case["values"] == ["task", "rest", "seed", 3]
    assert case["none"] == 0
    assert "type names and values" in case["odd"]
    assert "type names and values" in case["wrong"]


def test_the_bridge_answers_with_the_version_of_the_package(cases):
    assert cases["run"]["status"] == 0
    assert cases["run"]["text"].strip() == f"bids-dl {bids_dl.__version__}"


def test_a_file_of_the_current_folder_with_the_name_of_a_module_does_no_harm(cases):
    assert cases["module of the folder"]["status"] == 0


def test_of_an_unexpected_error_the_message_is_its_last_line(cases):
    first, second = cases["unexpected"]["text"].splitlines()
    assert first == "bids-dl stopped with an unexpected error: ImportError: no name x"
    assert "report them" in second


def test_no_shell_changes_an_argument(cases):
    text = cases["shell"]["text"]
    assert cases["shell"]["status"] == 2
    assert '"$HOME" `ls` \\ % * ; & |' in text


def test_statuses_become_errors_with_the_message_of_the_program(cases):
    assert cases["refused"]["text"].startswith("nowhere: ")
    assert cases["interrupted"]["text"].startswith("Interrupted. What was done is kept")
    assert cases["failed"]["text"] == "bids-dl ended with status 1 and no message"


def test_the_environment_is_as_before_a_run(cases):
    assert cases["request kept"]["variable"] == ""
