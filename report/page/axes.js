// What can be an axis of the cloud: a number for every ensemble, with its title.

/** @typedef {import("./ensembles.js").Ensembles} Ensembles */
/** @typedef {{key: string, title: string, values: (set: number, consensus: string) => ArrayLike<number>}} Axis */

const OF_MEMBERS = { macs: "MACs (M)", latency_ms: "Latency (ms)", parameters: "Parameters (M)" };

/**
 * Every axis that a study has.
 * @param {Ensembles} ensembles
 * @returns {Axis[]}
 */
export function axesOf(ensembles) {
  return [...outcomes(ensembles), ...measures(ensembles), ...descriptions(ensembles)];
}

/** @param {Ensembles} ensembles @returns {Axis[]} */
function outcomes(ensembles) {
  const { block } = ensembles;
  const named = [
    ["over_mean", "Improvement over the mean member (points)", "overMean"],
    ["over_best", "Improvement over its best member (points)", "overBest"],
    ...(block.baseline === null
      ? []
      : [["over_baseline", "Improvement over the baseline member (points)", "overBaseline"]]),
    ["accuracy", "Accuracy (%)", "accuracy"],
  ];
  const found = named.map(([key, title, name]) => ({
    key,
    title,
    values: (/** @type {number} */ set, /** @type {string} */ consensus) =>
      ensembles.column(
        `${key} ${set} ${consensus}`,
        (members) => /** @type {any} */ (ensembles.numbers(members, set, consensus))[name],
      ),
  }));
  const scored = block.consensus.some((/** @type {any} */ way) => way.averages);
  const scores = scored
    ? [
        ["nll", "NLL (nats)"],
        ["brier", "Brier score"],
      ]
    : [];
  return [
    ...found,
    ...scores.map(([key, title]) => ({
      key,
      title,
      values: (/** @type {number} */ set, /** @type {string} */ consensus) =>
        ensembles.column(`${key} ${set} ${consensus}`, (members) => ensembles.score(key, members, set, consensus)),
    })),
  ];
}

/** @param {Ensembles} ensembles @returns {Axis[]} */
function measures(ensembles) {
  return ensembles.block.measures.map((/** @type {any} */ measure, /** @type {number} */ i) => ({
    key: measure.name,
    title: measure.unit ? `${measure.title} (${measure.unit})` : measure.title,
    values: (/** @type {number} */ set) =>
      ensembles.column(`${measure.name} ${set}`, (members) => measure.factor * ensembles.diversity(members, set, i)),
  }));
}

/** @param {Ensembles} ensembles @returns {Axis[]} */
function descriptions(ensembles) {
  const { block } = ensembles;
  const costs = Object.keys(block.costs).filter((cost) =>
    block.costs[cost].some((/** @type {number | null} */ value) => value !== null),
  );
  return [
    {
      key: "mean_member",
      title: "Mean accuracy of its members (%)",
      values: (set, consensus) =>
        ensembles.column(`mean ${set}`, (members) => ensembles.numbers(members, set, consensus).mean),
    },
    { key: "size", title: "Number of members", values: () => ensembles.column("size", (members) => members.length) },
    ...costs.map((cost) => ({
      key: cost,
      title: OF_MEMBERS[/** @type {"macs"} */ (cost)] ?? cost,
      values: () =>
        ensembles.column(cost, (members) => ensembles.cost(members, cost) / (cost === "latency_ms" ? 1 : 1e6)),
    })),
  ];
}

/**
 * The axis of a key; of an unknown one, `otherwise`.
 * @param {Axis[]} axes
 * @param {string} key
 * @param {string} otherwise
 * @returns {Axis}
 */
export function axisOf(axes, key, otherwise) {
  return axes.find((axis) => axis.key === key) ?? axes.find((axis) => axis.key === otherwise) ?? axes[0];
}
