/** The fields of a vendor that sends webhooks and of its profile, as several forms have them. */

import { clear, field, h, select } from "../dom.js";
import { profileOf } from "./catalogue.js";

/**
 * `all` are the known vendors, `query` may choose one and its profile. `changed(vendor)` is called whenever another vendor
 * is chosen, and by `begin()`, which the form calls when it stands. Returns the controls, and the `lines` of the form.
 */
export function vendorFields(prefix, all, query, changed = () => {}) {
  const sends = (profile) => profile.events.length > 0;
  const sending = all.filter((one) => one.profiles.some(sends));
  const vendor = select(`${prefix}-vendor`, sending.map((one) => [one.name, one.title]), query.vendor ?? "");
  const profile = select(`${prefix}-profile`, []);
  const about = h("span", { class: "hint" });
  vendor.dataset.pointer = "/vendor";
  profile.dataset.pointer = "/profile";

  function begin() {
    const profiles = sending.find((one) => one.name === vendor.value)?.profiles.filter(sends) ?? [];
    clear(profile).append(...profiles.map((one) => h("option", { value: one.name, selected: one.name === query.profile }, one.name)));
    changed(vendor.value);
    describe();
  }

  function describe() {
    about.textContent = profileOf(all, vendor.value, profile.value)?.title ?? "";
  }

  vendor.addEventListener("change", begin);
  profile.addEventListener("change", describe);
  const line = field("Profile", profile);
  line.append(about);
  return { vendor, profile, lines: [field("Vendor", vendor), line], begin };
}

/** A list of the URLs of a vendor's targets, for a field. `show(vendor)` fills it, and returns the URLs. */
export function targetUrls(id, targets) {
  const list = h("datalist", { id });
  function show(vendor) {
    const urls = targets.items.filter((one) => one.vendor === vendor).map((one) => one.url);
    clear(list).append(...urls.map((url) => h("option", { value: url })));
    return urls;
  }
  return { list, show };
}
