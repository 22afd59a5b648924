# SPDX-License-Identifier: Apache-2.0
import pytest

from sycophancy.tuning.arguments import INIT_TEXT, TuneArguments


def shape(**given):
    args = TuneArguments("m", "d", **given)
    names = ("num_virtual_tokens", "prompt_init_text", "lora_r", "lora_alpha", "lora_dropout", "lora_target_modules")
    return tuple(getattr(args, name) for name in names)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (20, INIT_TEXT, None, None, None, None)),
        ({"num_virtual_tokens": 5, "prompt_init_text": ""}, (5, "", None, None, None, None)),
        ({"method": "lora"}, (None, None, 16, 32, 0.05, None)),
        ({"method": "lora", "lora_r": 4, "lora_dropout": 0.0}, (None, None, 4, 32, 0.0, None)),
        ({"method": "full"}, (None, None, None, None, None, None)),
    ],
)
def test_a_method_has_its_own_settings(given, expected):
    assert shape(**given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "prefix"}, "method: expected prompt_tuning, lora, full, got 'prefix'"),
        ({"method": "lora", "num_virtual_tokens": 5}, "num_virtual_tokens: expected with method prompt_tuning only"),
        ({"method": "full", "prompt_init_text": ""}, "prompt_init_text: expected with method prompt_tuning only"),
        ({"lora_r": 4}, "lora_r: expected with method lora only, got 4 with method prompt_tuning; leave it out"),
        ({"method": "lora", "lora_r": 0}, "lora_r: expected 1 or more, got 0"),
        ({"measure_rows": 0}, "measure_rows: expected 1 or more, got 0"),
        ({"max_selection_rows": 0}, "max_selection_rows: expected 1 or more, got 0"),
        ({"selection_fraction": 1.0}, "selection_fraction: expected above 0 and below 1, got 1.0"),
        ({"dtype": "int8"}, "dtype: expected float32, bfloat16 or float16, got 'int8'"),
        ({"method": "full", "dtype": "bfloat16"}, "dtype: expected float32 with method full, got bfloat16"),
    ],
)
def test_settings_that_do_not_fit(given, message):
    with pytest.raises(ValueError, match=message):
        TuneArguments("m", "d", **given)
