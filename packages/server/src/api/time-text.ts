/** Points in time as RFC 3339 text in UTC, from milliseconds since 1970; without `Date`, which belongs to the world. */
const DAY_MS = 86_400_000;
const DAYS_OF_400_YEARS = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const DAYS_TO_1970 = 719_468;

export function timeText(wallMs: number): string {
  const days = Math.floor(wallMs / DAY_MS);
  const ms = wallMs - days * DAY_MS;
  const time = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60]
    .map((part) => padded(Math.floor(part), 2))
    .join(":");
  return `${dateText(days)}T${time}.${padded(ms % 1000, 3)}Z`;
}

/** `yyyy-MM-dd HH:mm` in UTC; "" for 0, which is a time that is not known. */
export function minuteText(wallMs: number): string {
  return wallMs === 0 ? "" : timeText(wallMs).slice(0, "yyyy-MM-dd HH:mm".length).replace("T", " ");
}

/** As the API shows points in time: they are greater than a double holds exactly. */
export function nanoseconds(ms: number): bigint {
  return BigInt(ms) * 1_000_000n;
}

/** Years are counted from March, so that the leap day is a year's last. */
function dateText(days: number): string {
  const shifted = days + DAYS_TO_1970;
  const era = Math.floor(shifted / DAYS_OF_400_YEARS);
  const dayOfEra = shifted - era * DAYS_OF_400_YEARS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
