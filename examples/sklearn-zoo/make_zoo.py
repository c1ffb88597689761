"""Train scikit-learn classifiers of digits and write their predictions as files: `python make_zoo.py FOLDER`.

Writes, for one clean and three shifted validation sets, `labels/{dataset}.csv` and `predictions/{dataset}/{model}.csv`
with ids and class names. For other models, a few lines of your own code can write such files.
"""

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.ndimage import gaussian_filter, rotate
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

SEED = 0
LEVELS = 16  # digits have 17 levels of grey, 0 to 16
MODELS: dict[str, Any] = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
    "logistic-l1": LogisticRegression(C=0.05, l1_ratio=1, solver="saga", max_iter=100),
    "lda": LinearDiscriminantAnalysis(),
    "qda": make_pipeline(PCA(20, random_state=SEED), QuadraticDiscriminantAnalysis()),
    "gaussian-nb": GaussianNB(var_smoothing=1e-3),
    "bernoulli-nb": BernoulliNB(binarize=LEVELS / 2),
    "multinomial-nb": MultinomialNB(),
    "knn-1": KNeighborsClassifier(1),
    "knn-5": KNeighborsClassifier(5, weights="distance"),
    "knn-25-manhattan": KNeighborsClassifier(25, p=1),
    "tree": DecisionTreeClassifier(random_state=SEED),
    "tree-depth-6": DecisionTreeClassifier(max_depth=6, random_state=SEED),
    "extra-tree": ExtraTreeClassifier(random_state=SEED),
    "forest": RandomForestClassifier(100, random_state=SEED),
    "extra-trees": ExtraTreesClassifier(100, random_state=SEED),
    "bagged-trees": BaggingClassifier(DecisionTreeClassifier(), 20, random_state=SEED),
    "bagged-pixels": BaggingClassifier(DecisionTreeClassifier(), 40, max_features=0.3, random_state=SEED),
    "adaboost": AdaBoostClassifier(DecisionTreeClassifier(max_depth=4), n_estimators=40, random_state=SEED),
    "gradient-boosting": GradientBoostingClassifier(n_estimators=30, max_depth=3, subsample=0.5, random_state=SEED),
    "histogram-boosting": HistGradientBoostingClassifier(max_iter=30, random_state=SEED),
    "svm-rbf": SVC(probability=True, random_state=SEED),
    "svm-linear": SVC(kernel="linear", probability=True, random_state=SEED),
    "svm-poly": SVC(kernel="poly", degree=3, probability=True, random_state=SEED),
    "nystroem": make_pipeline(
        StandardScaler(), Nystroem(gamma=0.01, n_components=150, random_state=SEED), LogisticRegression(max_iter=300)
    ),
    "calibrated-svm": CalibratedClassifierCV(LinearSVC(C=0.01), ensemble=False),
    "perceptron-32": MLPClassifier((32,), max_iter=150, random_state=1),
    "perceptron-128": MLPClassifier((128,), max_iter=100, random_state=2),
    "perceptron-64-64-tanh": MLPClassifier((64, 64), activation="tanh", max_iter=80, random_state=3),
}


def shifted(images: np.ndarray) -> dict[str, np.ndarray]:
    """The validation images [N, 8, 8]: unchanged, with noise, blurred, and rotated."""
    noise = np.random.default_rng(SEED).normal(0, 5, images.shape)
    return {
        "clean": images,
        "noise": np.clip(images + noise, 0, LEVELS),
        "blur": gaussian_filter(images, (0, 0.9, 0.9)),
        "rotation": rotate(images, 20, axes=(1, 2), reshape=False, order=1),
    }


def main(folder: Path) -> None:
    """Train all models and write labels and predictions below `folder`."""
    digits = load_digits()
    ids = np.array([f"digit-{number:04d}" for number in range(len(digits.target))])
    names = [f"digit {name}" for name in digits.target_names]
    split = train_test_split(
        digits.images, digits.target, ids, test_size=0.5, stratify=digits.target, random_state=SEED
    )
    train, validation, train_labels, labels, _, samples = split
    sets = shifted(validation)
    for dataset in sets:
        write(
            pl.DataFrame({"sample": samples, "label": [names[label] for label in labels]}), folder / "labels" / dataset
        )
    for number, (name, model) in enumerate(MODELS.items(), start=1):
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some stop before they converge; members do not have to be perfect
            fitted = clone(model).fit(train.reshape(len(train), -1), train_labels)
        for dataset, images in sets.items():
            scores = fitted.predict_proba(images.reshape(len(images), -1))
            table = pl.DataFrame({"sample": samples}).hstack(pl.DataFrame(scores, schema=names))
            write(table, folder / "predictions" / dataset / name)
        print(f"{number}/{len(MODELS)} {name}: {time.perf_counter() - start:.1f} s", flush=True)


def write(table: pl.DataFrame, path: Path) -> None:
    """Write a CSV file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    table.write_csv(part)
    part.replace(path.with_suffix(".csv"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
