/** Numbers, money and dates as a language writes them. */
export class Locale {
  /** @param {string} lang BCP 47 */
  constructor(lang) {
    this.lang = lang;
  }

  /** @param {import("./types.js").Money} money */
  money({ amount, currency }) {
    try {
      return new Intl.NumberFormat(this.lang, { style: "currency", currency }).format(
        /** @type {`${number}`} */ (amount), // exact: never through a float
      );
    } catch {
      return `${amount} ${currency}`;
    }
  }

  /**
   * @param {number} value
   * @param {number} digits after the point
   */
  number(value, digits = 0) {
    return new Intl.NumberFormat(this.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  }

  /** @param {string} code BCP 47 */
  language(code) {
    try {
      return new Intl.DisplayNames(this.lang, { type: "language" }).of(code) ?? code;
    } catch {
      return code;
    }
  }

  /** A date without a time ("2026-03-01") is that day everywhere. @param {string} value ISO 8601 */
  day(value) {
    return this.#date(value, { month: "short", day: "numeric", ...(/^\d{4}-\d\d-\d\d$/.test(value) && { timeZone: "UTC" }) });
  }

  /** The time of today, or the date and time of another day. @param {string} value ISO 8601 */
  moment(value) {
    const today = new Date(value).toDateString() === new Date().toDateString();
    return this.#date(value, { ...(!today && { month: "short", day: "numeric" }), hour: "numeric", minute: "2-digit" });
  }

  /**
   * @param {string} value
   * @param {Intl.DateTimeFormatOptions} options
   */
  #date(value, options) {
    const date = new Date(value);
    return Number.isNaN(date.getTime()) ? "" : new Intl.DateTimeFormat(this.lang, options).format(date);
  }
}
