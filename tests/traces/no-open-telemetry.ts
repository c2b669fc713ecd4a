/** For `node --import`: a machine where nobody has installed the packages of OpenTelemetry. */
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith("@opentelemetry/")) throw new Error(`Cannot find package '${specifier}'`);
    return next(specifier, context);
  },
});
