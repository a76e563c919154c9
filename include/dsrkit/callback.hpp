// Status callbacks of the vendor. Part of dsrkit.hpp.
#ifndef DSRKIT_CALLBACK_HPP
#define DSRKIT_CALLBACK_HPP

#include "handle.hpp"

namespace dsr {

/// A status callback whose signature fits.
class callback : public detail::handle<dsr_callback, dsr_callback_free> {
public:
    using handle::handle;
    /// `headers`: any range of pairs of texts. `url`: the address that the vendor was given; empty for
    /// not looked at. Throws DSR_INVALID_INPUT for what is not the vendor's: answer it with 403.
    template <class Headers>
    callback(std::string_view body, const Headers &headers, const std::string &public_key, const std::string &url = "")
        : handle(verified(body, headers, public_key, url)) {}
    std::string_view task_id() const { return detail::text(dsr_callback_task_id(raw_)); }
    std::string_view subject_request_id() const { return detail::text(dsr_callback_subject_request_id(raw_)); }
    std::string_view kind() const { return detail::text(dsr_callback_kind(raw_)); }
    std::string_view request() const { return detail::text(dsr_callback_request(raw_)); }
    std::string_view status() const { return detail::text(dsr_callback_status(raw_)); }
    std::string_view url() const { return detail::text(dsr_callback_url(raw_)); }
    std::string_view results_url() const { return detail::text(dsr_callback_results_url(raw_)); }
    std::string_view expected_at() const { return detail::text(dsr_callback_expected_at(raw_)); }
    std::string_view project_id() const { return detail::text(dsr_callback_project_id(raw_)); }

private:
    template <class Headers>
    static dsr_callback *verified(std::string_view body, const Headers &headers, const std::string &key, const std::string &url) {
        std::vector<std::pair<std::string, std::string>> kept;
        for (const auto &[name, value] : headers) kept.emplace_back(name, value);
        std::vector<const char *> names, values;
        for (const auto &[name, value] : kept) {
            names.push_back(name.c_str());
            values.push_back(value.c_str());
        }
        return detail::output<dsr_callback *>(dsr_callback_verify, reinterpret_cast<const std::uint8_t *>(body.data()),
                                              body.size(), names.data(), values.data(), names.size(), key.c_str(),
                                              url.empty() ? nullptr : url.c_str());
    }
};

} // namespace dsr

#endif
