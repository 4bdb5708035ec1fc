"""How to mend each problem, in one sentence a schema's author can act on."""

from __future__ import annotations

_FIELD_SETS = {
    "INVALID_FIELDS_TYPE": 'Write the field set as a string: fields: "id name".',
    "INVALID_FIELDS": "Name only fields the type has here, with a selection where they are objects;"
    " add a field another subgraph resolves with @external.",
    "DIRECTIVE_IN_FIELDS_ARG": "Take the directive out of the field set.",
    "FIELDS_HAS_ARGS": "Take the field with arguments out of the field set.",
    "FIELDS_MISSING_EXTERNAL": "Take the field out of the field set, or mark it @external if"
    " another subgraph resolves it.",
    "UNSUPPORTED_ON_INTERFACE": "Put the directive on the object types instead (@key on an"
    " interface needs a @link to federation v2.3 or later).",
}

_IMPOSSIBLE = {"KEY_FIELDS_MISSING_EXTERNAL", "REQUIRES_FIELDS_HAS_ARGS"}

_LIST_SIZES = {
    "LIST_SIZE_APPLIED_TO_NON_LIST": "Put @listSize on a list, or name the lists below the field"
    " in sizedFields.",
    "LIST_SIZE_INVALID_ASSUMED_SIZE": "Give an assumedSize of at least 0.",
    "LIST_SIZE_INVALID_SLICING_ARGUMENT": "Name arguments of the field that are of type Int.",
    "LIST_SIZE_INVALID_SIZED_FIELD": "Name fields of the type the field returns.",
}

_CONTEXTS = {
    "CONTEXT_NAME_INVALID": "Name the context with letters and digits only.",
    "CONTEXT_NOT_SET": "Set the context with @context on a type above, and use @fromContext only"
    " on arguments of object fields that no interface asks for, without a default.",
    "NO_CONTEXT_IN_SELECTION": 'Begin the field with the context: "$context { selection }".',
    "CONTEXT_INVALID_SELECTION": "Select exactly one value of the argument's type, by one field or"
    " by one inline fragment per object type that sets the context.",
    "CONTEXT_NO_RESOLVABLE_KEY": "Give the type a @key that is resolvable.",
    "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS": "Use @fromContext here too, or make the"
    " argument nullable or give it a default.",
}

_INACCESSIBLE = {
    "REFERENCED_INACCESSIBLE": "Hide what refers to the type as well, or show the type.",
    "REQUIRED_INACCESSIBLE": "Make it optional or give it a default, or show it.",
    "IMPLEMENTED_BY_INACCESSIBLE": "Hide the interface's field or argument as well, or show this.",
    "ONLY_INACCESSIBLE_CHILDREN": "Hide the type as well, or show something in it.",
    "QUERY_ROOT_TYPE_INACCESSIBLE": "Show Query, and at least one of its fields.",
    "DEFAULT_VALUE_USES_INACCESSIBLE": "Show what the default uses, or change the default.",
    "DISALLOWED_INACCESSIBLE": "Take @inaccessible off.",
}

_OVERRIDES = {
    "OVERRIDE_ON_INTERFACE": "Put @override on the fields of the implementing object types.",
    "OVERRIDE_FROM_SELF_ERROR": "Name the subgraph to take the field from.",
    "OVERRIDE_SOURCE_HAS_OVERRIDE": "Keep @override in one of the subgraphs only.",
    "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE": "Take off @override or the other directive.",
    "OVERRIDE_LABEL_INVALID": 'Write the label as "percent(25)" or as a plain name.',
}

_LINKS = {
    "INVALID_LINK_IDENTIFIER": "Link by a full URL: https://specs.apollo.dev/federation/v2.11.",
    "INVALID_LINK_DIRECTIVE_USAGE": "Import only what that version of the specification has, each"
    " name once, and name no two features alike.",
    "UNKNOWN_LINK_VERSION": "Link https://specs.apollo.dev/link/v1.0.",
    "UNKNOWN_FEDERATION_LINK_VERSION": "Link a version of federation that is known here.",
    "LINK_IMPORT_NAME_MISMATCH": "Import the directive under the same name in all subgraphs.",
    "DIRECTIVE_COMPOSITION_ERROR": "Link the directive from a feature of your own, of one major"
    " version and under one name, and define it in a subgraph that links it.",
}

_SUBGRAPHS = {
    "INVALID_GRAPHQL": "Make the SDL valid GraphQL at the place named.",
    "INVALID_SUBGRAPH_NAME": "Give every subgraph a name of its own.",
    "DIRECTIVE_DEFINITION_INVALID": "Leave the definition out, since federation brings it along, or"
    " write it as the specification does.",
    "TYPE_DEFINITION_INVALID": "Leave the definition out, since federation brings it along.",
    "ROOT_QUERY_USED": "Rename the type, or make it the query root.",
    "ROOT_MUTATION_USED": "Rename the type, or make it the mutation root.",
    "ROOT_SUBSCRIPTION_USED": "Rename the type, or make it the subscription root.",
    "KEY_FIELDS_SELECT_INVALID_TYPE": "Choose key fields that are scalars, enums or objects.",
    "PROVIDES_ON_NON_OBJECT_FIELD": "Take @provides off: it goes on fields that return objects.",
    "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE": "Take off @external or the other directive.",
    "EXTERNAL_ON_INTERFACE": "Take @external off the interface's field.",
    "EXTERNAL_UNUSED": "Remove the field, or take @external off if this subgraph resolves it.",
    "TYPE_WITH_ONLY_UNUSED_EXTERNAL": "Remove the type, or take @external off what is resolved.",
    "INTERFACE_KEY_NOT_ON_IMPLEMENTATION": "Give every implementation the same resolvable @key.",
    "INVALID_SHAREABLE_USAGE": "Say @shareable once, on an object type or its field.",
    "COST_APPLIED_TO_INTERFACE_FIELD": "Put @cost on the fields of the implementing types.",
    "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE": "Put it on the implementing object types and their"
    " fields: interfaces inherit it.",
}

_MERGING = {
    "NO_QUERIES": "Add a Query type with a field to at least one subgraph.",
    "TYPE_KIND_MISMATCH": "Make it the same kind of type in all subgraphs, or rename one.",
    "INTERFACE_OBJECT_USAGE_ERROR": "Define the interface with its objects in another Federation 2"
    " subgraph, and here only the @interfaceObject, with a @key.",
    "EXTENSION_WITH_NO_BASE": "Define the type in a subgraph, or write `type` for `extend type`.",
    "INVALID_FIELD_SHARING": "Mark the field @shareable in all these subgraphs, or resolve it in"
    " one and make it @external or remove it in the others.",
    "EXTERNAL_MISSING_ON_BASE": "Take @external off in the subgraph that resolves the field.",
    "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL": "Move the directive to where the field resolves.",
    "FIELD_TYPE_MISMATCH": "Give the field the same type, or subtypes of it, in all subgraphs.",
    "FIELD_ARGUMENT_TYPE_MISMATCH": "Give the argument the same type in all subgraphs.",
    "FIELD_ARGUMENT_DEFAULT_MISMATCH": "Give the argument the same default in all subgraphs.",
    "INPUT_FIELD_DEFAULT_MISMATCH": "Give the input field the same default in all subgraphs.",
    "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH": "Add the argument everywhere, or make it"
    " optional.",
    "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH": "Add the input field everywhere, or make it"
    " optional.",
    "EMPTY_MERGED_INPUT_TYPE": "Agree on at least one field.",
    "EMPTY_MERGED_ENUM_TYPE": "Agree on at least one value.",
    "ENUM_VALUE_MISMATCH": "Define the value in all these subgraphs, hide it with @inaccessible, or"
    " use different enums for what goes in and what comes out.",
    "EXTERNAL_TYPE_MISMATCH": "Declare the external field with the type it is resolved with.",
    "EXTERNAL_ARGUMENT_MISSING": "Declare the argument on the external field too.",
    "EXTERNAL_ARGUMENT_TYPE_MISMATCH": "Declare the argument with the type it is resolved with.",
    "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH": "Declare the argument with the same default.",
    "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE": "Define the missing implementations here, or make"
    " the interface's key resolvable: false.",
    "INTERFACE_FIELD_NO_IMPLEM": "Add the field to the type, or stop implementing the interface.",
    "MISSING_TRANSITIVE_AUTH_REQUIREMENTS": "Repeat here the @authenticated, @requiresScopes"
    " and @policy of the fields it is made of.",
    "MAX_ACCESS_CONDITIONS_EXCEEDED": "Ask for the same scopes and policies in all subgraphs, or"
    " for fewer alternatives.",
    "SATISFIABILITY_ERROR": "Let a subgraph resolve the field from there: share a key, make a key"
    " resolvable, or resolve the key's fields where the path starts.",
    "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES": "Let the subgraphs that share the field return at"
    " least one object type in common.",
    "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED": "Share fewer fields of large types.",
}

_MENDS = {
    **_SUBGRAPHS,
    **_LINKS,
    **_CONTEXTS,
    **_LIST_SIZES,
    **_OVERRIDES,
    **_INACCESSIBLE,
    **_MERGING,
    **{
        f"{directive}_{code}": sentence
        for directive in ("KEY", "REQUIRES", "PROVIDES")
        for code, sentence in _FIELD_SETS.items()
        # A key may be of fields resolved here, and @requires may pass arguments.
        if f"{directive}_{code}" not in _IMPOSSIBLE
    },
}


def mend(code: str) -> str:
    """What to do about a problem. Every code has its sentence; a missing one is a bug."""
    return _MENDS[code]


def codes() -> frozenset[str]:
    return frozenset(_MENDS)
