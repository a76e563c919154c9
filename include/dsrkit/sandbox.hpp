// The simulated vendor. Part of dsrkit.hpp.
#ifndef DSRKIT_SANDBOX_HPP
#define DSRKIT_SANDBOX_HPP

#include "mixpeek.hpp"

namespace dsr {

/// A simulated vendor in this process. Speed 0: a virtual clock.
class sandbox : public detail::handle<dsr_sandbox, dsr_sandbox_free> {
public:
    /// `state`: a file that keeps its tasks from one start to the next; empty for none.
    explicit sandbox(const std::string &options = "{}", std::uint16_t port = 0, double speed = 0, const std::string &state = "")
        : handle(detail::output<dsr_sandbox *>(dsr_sandbox_new, options.c_str(), port, speed, state.empty() ? nullptr : state.c_str())) {}
    std::string_view base_url() const { return detail::text(dsr_sandbox_base_url(raw_)); }
    std::string_view archive_base_url() const { return detail::text(dsr_sandbox_archive_base_url(raw_)); }
    /// The same without the archive secret.
    dsr::mixpanel project() const { return dsr::mixpanel(detail::output<dsr_mixpanel *>(dsr_sandbox_project, raw_)); }
    /// A project of this vendor, ready for a client.
    dsr::mixpanel mixpanel() const { return dsr::mixpanel(detail::output<dsr_mixpanel *>(dsr_sandbox_mixpanel, raw_)); }
    /// Its organisation at Mixpeek.
    dsr::mixpeek mixpeek() const {
        return dsr::mixpeek(detail::output<dsr_mixpeek *>(dsr_sandbox_mixpeek, raw_, static_cast<const char *>(nullptr)));
    }
    void advance(milliseconds time) const { detail::call(dsr_sandbox_advance_ms, raw_, time.count()); }
    void faults(const std::string &json) const { detail::call(dsr_sandbox_faults, raw_, json.c_str()); }
    /// The status callbacks that it would make now, as JSON; whoever makes them tells the answers.
    std::string callbacks() const { return detail::owned(dsr_sandbox_callbacks, raw_); }
    void callback_answered(const std::string &call, std::uint16_t http_status) const {
        detail::call(dsr_sandbox_callback_answered, raw_, call.c_str(), http_status);
    }
    std::string_view callback_key() const { return detail::text(dsr_sandbox_callback_key(raw_)); }
    std::string ledger() const { return detail::owned(dsr_sandbox_ledger, raw_); }
    std::string summary() const { return detail::owned(dsr_sandbox_summary, raw_); }
    std::string credentials() const { return detail::owned(dsr_sandbox_credentials, raw_); }
};

} // namespace dsr

#endif
