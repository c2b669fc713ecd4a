/** `npm run bench:micro` for the parts of the server. */
import { measureInRounds, printMicroResults } from "@wukong-ts/bench";
import { decideCases } from "./decide-cases.ts";
import { fanOutCases } from "./fan-out-cases.ts";
import { keyCases } from "./key-cases.ts";

printMicroResults("keys and rows", await measureInRounds(keyCases()));
printMicroResults("decide, with a store in memory", await measureInRounds(await decideCases()));
printMicroResults("fan-out, each session", await measureInRounds(fanOutCases()));
process.exit(0);
