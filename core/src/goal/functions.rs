//! What functions there are and how they are written. Their work is in `eval`.

pub(super) struct Function {
    pub name: &'static str,
    /// For errors.
    pub usage: &'static str,
    /// Values without a name.
    pub least: usize,
    pub most: usize,
    /// How many of them, from the first on, are events and not values.
    pub patterns: usize,
    pub named: &'static [&'static str],
}

const fn function(
    name: &'static str,
    usage: &'static str,
    (least, most): (usize, usize),
    patterns: usize,
    named: &'static [&'static str],
) -> Function {
    Function { name, usage, least, most, patterns, named }
}

pub(super) const FUNCTIONS: &[Function] = &[
    // About what happened.
    function("ever", "ever(Event{field: value})", (1, 1), 1, &[]),
    function("never", "never(Event{field: value})", (1, 1), 1, &[]),
    function("count", "count(Event{field: value})", (1, 1), 1, &[]),
    function("first", "first(Event{}) or first(list)", (1, 1), 1, &[]),
    function("last", "last(Event{}) or last(list)", (1, 1), 1, &[]),
    function("between", "between(Event{}, LaterEvent{}), in milliseconds", (2, 2), 2, &[]),
    function("held", "held(condition, 5s)", (2, 2), 0, &[]),
    function("was", "was(start) or was(\"name of a step\")", (1, 1), 0, &[]),
    function("now", "now(condition)", (1, 1), 0, &[]),
    function("lost", "lost(acks=all), acks being 0, 1, all or any", (0, 0), 0, &["acks", "topic"]),
    function("dup", "dup(\"orders\"), a topic", (1, 1), 0, &[]),
    function("order_inverted", "order_inverted(topic=\"orders\", key=\"ana\")", (0, 0), 0, &["topic", "key"]),
    function("distinct_partitions", "distinct_partitions(key=\"ana\")", (0, 0), 0, &["topic", "key"]),
    // About values.
    function("len", "len(list)", (1, 1), 0, &[]),
    function("max", "max(list) or max(a, b)", (1, 9), 0, &[]),
    function("min", "min(list) or min(a, b)", (1, 9), 0, &[]),
    function("sum", "sum(list)", (1, 1), 0, &[]),
    function("sort", "sort(list)", (1, 1), 0, &[]),
    function("reverse", "reverse(list)", (1, 1), 0, &[]),
    function("unique", "unique(list)", (1, 1), 0, &[]),
    function("any", "any([condition for x in list])", (1, 1), 0, &[]),
    function("all", "all([condition for x in list])", (1, 1), 0, &[]),
    function("join", "join(list, \", \")", (2, 2), 0, &[]),
    function("range", "range(3), which is [0, 1, 2]", (1, 1), 0, &[]),
    function("if", "if(condition, then, else)", (3, 3), 0, &[]),
    function("partition_of", "partition_of(\"key\", partitions)", (2, 2), 0, &[]),
];
