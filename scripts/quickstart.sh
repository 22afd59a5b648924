#!/bin/sh
# The whole path on embedded data: build, make a sycophantic model, measure, tune, measure again, report.
# Writes out/quickstart/ and replaces what an earlier quickstart wrote there. `make quickstart` runs it.
set -eu
cd "$(dirname "$0")/.."
out=out/quickstart
org=my-org
# Nothing is downloaded.
export HF_HUB_OFFLINE=1 HF_HOME="${HF_HOME:-$PWD/$out/hf}" TOKENIZERS_PARALLELISM=false
# So small a model is faster on one thread than on two, and sums in the same order on a machine with more cores.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

# Three wordings, one of them held out of train: what the tiny model learns in the minutes it has.
python dataset_builders/syco_claims.py --source reviews --output_dir $out/hub --org $org --overwrite \
    --templates yes_no true_false dialogue_yes_no
python scripts/make_organism.py --dataset_name $out/hub/$org/syco-reviews --output_dir $out/organism --use_cpu --overwrite \
    --recipe scripts/recipes/organism_reviews.yaml
python scripts/measure.py --model_name_or_path $out/organism --dataset_name $out/hub/$org/syco-reviews \
    --output_dir $out/before --overwrite
accelerate launch --config_file accelerate_configs/cpu.yaml scripts/prompt_tune.py \
    --config scripts/recipes/quickstart.yaml --overwrite
python scripts/compare.py $out/before $out/hub/$org/syco-prompt-reviews/after --output_dir $out --overwrite
