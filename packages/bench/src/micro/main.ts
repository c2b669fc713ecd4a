/** `npm run bench:micro` for what this package can see: the protocol. */
import { protocolCases } from "./protocol-cases.ts";
import { measureInRounds, printMicroResults } from "./rounds.ts";

printMicroResults("protocol", await measureInRounds(protocolCases()));
