/**
 * One port of the API as the running server describes it in /openapi.json: what each route takes, its example, and whether
 * an answer is one that the route may give.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import { valueAt } from "./exact-json.ts";
import type { HttpAnswer, HttpClient } from "./http-client.ts";

export interface DescribedRoute {
  readonly method: string;
  /** As `/cluster/channels/{channel_id}/{channel_type}/subscribers`. */
  readonly path: string;
  readonly parameters: readonly DescribedParameter[];
  /** undefined: the route takes none. References are resolved. */
  readonly body: Schema | undefined;
  readonly exampleBody: unknown;
  /** undefined: there is no example. */
  readonly exampleAnswer: unknown;
}

export interface DescribedParameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly schema: Schema;
  readonly example?: string | number;
}

/** The parts of a JSON Schema that describe requests. */
export interface Schema {
  readonly type?: string;
  readonly "x-go-type"?: string;
  readonly contentEncoding?: string;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

interface Operation {
  readonly parameters?: readonly DescribedParameter[];
  readonly "x-ports": readonly Port[];
}

type Port = "api" | "manager";

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

const DOCUMENT = "openapi.json";
const JSON_CONTENT = ["content", "application/json"];

export class DescribedApi {
  readonly routes: readonly DescribedRoute[];
  readonly #port: Port;
  readonly #document: unknown;
  readonly #schemas: Ajv2020 = new Ajv2020({ strict: false, validateFormats: false, validateSchema: false });
  readonly #patterns: readonly { readonly method: string; readonly path: string; readonly pattern: RegExp }[];

  /** The document is on the API port, whose client is wanted, whichever port is asked about. */
  static async of(http: HttpClient, port: Port = "api"): Promise<DescribedApi> {
    const answer = await http.get("/openapi.json");
    if (answer.status !== 200) throw new Error(`/openapi.json answered ${answer.status}`);
    return new DescribedApi(answer, port);
  }

  private constructor({ body, text }: HttpAnswer, port: Port) {
    this.#port = port;
    this.#document = body;
    this.#schemas.addSchema(JSON.parse(text), DOCUMENT);
    const paths = valueAt(body, "paths") as Paths;
    this.routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, operation]) => operation["x-ports"].includes(port))
        .map(([method, operation]) => this.#route(path, method, operation)),
    );
    this.#patterns = this.routes.map(({ method, path }) => ({
      method,
      path,
      pattern: new RegExp(`^${path.replaceAll(/[.]/g, "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    }));
  }

  /** Why the answer is not one that is described; undefined when it is, or when there is no such route. */
  problem(method: string, url: string, answer: HttpAnswer): string | undefined {
    const path = url.replace(/[?#].*$/, "");
    const route = this.#patterns.find((known) => known.method === method && known.pattern.test(path));
    if (route === undefined) return undefined;
    const about = `${method} ${url} answers ${answer.status} ${answer.text.slice(0, 500)}`;
    const pointer = ["paths", route.path, method.toLowerCase(), "responses", String(answer.status)];
    const referring = this.#at(pointer);
    if (referring === undefined) return `${about}: the status is not described`;
    const reference = valueAt(referring, "$ref");
    const response = typeof reference === "string" ? reference.slice("#/".length).split("/") : pointer;
    const content = this.#at([...response, "content"]);
    if (content === undefined) return answer.text === "" ? undefined : `${about}: no body is described`;
    // What is described is the manager port's; without the token the API port says nothing.
    if (answer.status === 401 && this.#port === "api")
      return answer.text === "" ? undefined : `${about}: it has a body`;
    const type = Object.keys(content as object)[0] ?? "";
    if (!(answer.headers["content-type"] ?? "").startsWith(type)) return `${about}: it is not ${type}`;
    if (type !== "application/json") return undefined;
    const fragment = [...response, ...JSON_CONTENT, "schema"].map(escapedStep).join("/");
    const validate = this.#schemas.getSchema(`${DOCUMENT}#/${fragment}`);
    if (validate === undefined) throw new Error(`no schema at ${fragment}`);
    // Ajv knows no bigint: the type is looked at, not the digits.
    return validate(JSON.parse(answer.text)) === true
      ? undefined
      : `${about}: ${this.#schemas.errorsText(validate.errors)}`;
  }

  #route(path: string, method: string, operation: Operation): DescribedRoute {
    const own = ["paths", path, method];
    const requested = [...own, "requestBody", ...JSON_CONTENT];
    const answered = [...own, "responses", "200", ...JSON_CONTENT];
    const body = this.#at([...requested, "schema"]);
    return {
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters ?? [],
      body: body === undefined ? undefined : this.#resolved(body),
      exampleBody: this.#at([...requested, "example"]),
      exampleAnswer: this.#at([...answered, "example"]),
    };
  }

  #resolved(schema: unknown): Schema {
    const reference = valueAt(schema, "$ref");
    if (typeof reference === "string") return this.#resolved(this.#at(reference.slice("#/".length).split("/")));
    const { properties, items, ...rest } = schema as Schema;
    return {
      ...rest,
      ...(properties === undefined
        ? {}
        : {
            properties: Object.fromEntries(
              Object.entries(properties).map(([name, property]) => [name, this.#resolved(property)]),
            ),
          }),
      ...(items === undefined ? {} : { items: this.#resolved(items) }),
    };
  }

  #at(steps: readonly string[]): unknown {
    let value = this.#document;
    for (const step of steps) {
      if (value === null || typeof value !== "object" || !Object.hasOwn(value, step)) return undefined;
      value = (value as Readonly<Record<string, unknown>>)[step];
    }
    return value;
  }
}

function escapedStep(step: string): string {
  return encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"));
}
