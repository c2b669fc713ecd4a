/**
 * What one configuration key is: its kind, bounds, default and text for the documentation; and the types that the
 * schema's tables turn into. A default is text in the notation of the file, so the same reader reads it.
 */

export type Field =
  | { readonly kind: "boolean"; readonly default: "true" | "false"; readonly doc: string }
  | NumberField<"integer">
  | NumberField<"bytes">
  /** A whole number, or `auto`. */
  | NumberField<"integer-or-auto">
  | DurationField
  | { readonly kind: "choice"; readonly choices: readonly string[]; readonly default: string; readonly doc: string }
  | {
      readonly kind: "address";
      readonly scheme: "tcp" | "tls" | "ws" | "wss" | "http" | "grpc";
      readonly default: string;
      readonly doc: string;
    }
  | { readonly kind: "text"; readonly default: string; readonly doc: string }
  /** Of an HTTP service, kept as text; "" for none. */
  | { readonly kind: "url"; readonly default: ""; readonly doc: string }
  | { readonly kind: "list"; readonly default: ""; readonly doc: string }
  /** A list of IP networks, kept as text. */
  | { readonly kind: "networks"; readonly default: ""; readonly doc: string }
  /** A list of users with their passwords, kept as text and never shown. */
  | { readonly kind: "accounts"; readonly default: ""; readonly doc: string };

/** Both ends are included. */
interface NumberField<Kind> {
  readonly kind: Kind;
  readonly min: number;
  readonly max: number;
  readonly default: string;
  /** WuKongIM's keys: 0 in a file means "not set". Ours: 0 is a number like any other. */
  readonly zeroIsUnset?: true;
  readonly doc: string;
}

/** Go's notation; kept in milliseconds, so the property in `Config` ends in `Ms`. */
interface DurationField {
  readonly kind: "duration";
  readonly minMs: number;
  /** Of what is no timer; a timer's greatest wait otherwise. */
  readonly maxMs?: number;
  readonly default: string;
  readonly zeroIsUnset?: true;
  readonly doc: string;
}

/** null in `Config`: this listener is off. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface FieldTree {
  readonly [key: string]: Field | FieldTree;
}

type ValueOf<F> = F extends { readonly kind: "boolean" }
  ? boolean
  : F extends { readonly kind: "integer" | "bytes" | "duration" }
    ? number
    : F extends { readonly kind: "choice"; readonly choices: readonly (infer Choice)[] }
      ? Choice
      : F extends { readonly kind: "address" }
        ? ListenAddress | null
        : F extends { readonly kind: "list" | "networks" | "accounts" }
          ? readonly string[]
          : F extends { readonly kind: "integer-or-auto" }
            ? number | "auto"
            : string;

type NameOf<Key extends string, F> = F extends { readonly kind: "duration" } ? `${Key}Ms` : Key;

/** The loaded form of a tree of fields. */
export type ConfigOf<Tree> = {
  readonly [Key in keyof Tree & string as NameOf<Key, Tree[Key]>]: Tree[Key] extends { readonly kind: string }
    ? ValueOf<Tree[Key]>
    : ConfigOf<Tree[Key]>;
};

export function isField(node: Field | FieldTree): node is Field {
  return Object.hasOwn(node, "kind");
}
