// Mixpeek's requests about an organisation. Part of dsrkit.hpp.
#ifndef DSRKIT_MIXPEEK_HPP
#define DSRKIT_MIXPEEK_HPP

#include "project.hpp"

namespace dsr {

/// An organisation: its API key.
class mixpeek : public settable<mixpeek, dsr_mixpeek, dsr_mixpeek_free> {
public:
    using settable::settable;
    explicit mixpeek(const std::string &api_key) : settable(detail::output<dsr_mixpeek *>(dsr_mixpeek_new, api_key.c_str())) {}
    mixpeek &base_url(const std::string &v) { return set(dsr_mixpeek_set_base_url, v.c_str()); }
};

/// The vendor's answer to a request.
class dsar : public detail::handle<dsr_dsar, dsr_dsar_free> {
public:
    using handle::handle;
    std::string_view request_id() const { return detail::text(dsr_dsar_request_id(raw_)); }
    std::string_view status() const { return detail::text(dsr_dsar_status(raw_)); }
    std::string_view requested_at() const { return detail::text(dsr_dsar_requested_at(raw_)); }
    std::string_view estimated_completion() const { return detail::text(dsr_dsar_estimated_completion(raw_)); }
    std::size_t n_categories() const { return dsr_dsar_n_categories(raw_); }
    std::string_view category(std::size_t i) const { return detail::text(dsr_dsar_category(raw_, i)); }
    /// In the answer to a deletion; empty otherwise.
    std::string_view warning() const { return detail::text(dsr_dsar_warning(raw_)); }
};

/// A client of one organisation. `journal`: where its requests are on record; empty: nowhere.
class mixpeek_client : public detail::handle<dsr_mixpeek_client, dsr_mixpeek_client_free> {
public:
    explicit mixpeek_client(const mixpeek &organisation, const std::string &journal = "", const settings &settings = {})
        : handle(detail::output<dsr_mixpeek_client *>(dsr_mixpeek_client_new, organisation.get(), settings.get(),
                                                      journal.empty() ? nullptr : journal.c_str())) {}
    dsar request_export() const { return dsar(detail::output<dsr_dsar *>(dsr_mixpeek_client_request_export, raw_)); }
    /// Irreversible: everything that the organisation has. `confirm` is "DELETE ORGANISATION".
    dsar request_deletion(const std::string &confirm) const {
        return dsar(detail::output<dsr_dsar *>(dsr_mixpeek_client_request_deletion, raw_, confirm.c_str()));
    }
    /// What was asked, as JSON.
    std::string requests() const { return detail::owned(dsr_mixpeek_client_requests, raw_); }
    /// What became of a request whose answer was lost.
    void settle(const std::string &id, bool carried_out) const {
        detail::call(dsr_mixpeek_client_settle, raw_, id.c_str(), carried_out);
    }
};

} // namespace dsr

#endif
