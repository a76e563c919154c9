// A project, its limits and its options. Part of dsrkit.hpp.
#ifndef DSRKIT_PROJECT_HPP
#define DSRKIT_PROJECT_HPP

#include "handle.hpp"

namespace dsr {

/// A Mixpanel project: credentials and limits.
class mixpanel : public settable<mixpanel, dsr_mixpanel, dsr_mixpanel_free> {
public:
    using settable::settable;
    mixpanel(const std::string &project_token, const std::string &oauth_token)
        : settable(detail::output<dsr_mixpanel *>(dsr_mixpanel_new, project_token.c_str(), oauth_token.c_str())) {}
    /// By the variables DSRKIT_MIXPANEL_... of the environment.
    static mixpanel from_env() { return mixpanel(detail::output<dsr_mixpanel *>(dsr_mixpanel_from_env)); }
    mixpanel &tokens(const std::string &project_token, const std::string &oauth_token) {
        detail::call(dsr_mixpanel_set_tokens, raw_, project_token.c_str(), oauth_token.c_str());
        return *this;
    }
    mixpanel &region(dsr_region region) { return set(dsr_mixpanel_set_region, region); }
    mixpanel &base_url(const std::string &v) { return set(dsr_mixpanel_set_base_url, v.c_str()); }
    mixpanel &api_version(const std::string &v) { return set(dsr_mixpanel_set_api_version, v.c_str()); }
    mixpanel &data_groups(std::uint32_t groups) { return set(dsr_mixpanel_set_data_groups, groups); }
    mixpanel &subject_request_ids(bool yes) { return set(dsr_mixpanel_set_subject_request_ids, yes); }
    mixpanel &status_callback_url(const std::string &v) { return set(dsr_mixpanel_add_status_callback_url, v.c_str()); }
    mixpanel &archive_secret(const std::string &v) { return set(dsr_mixpanel_add_archive_secret, v.c_str()); }
    mixpanel &archive_host(const std::string &v) { return set(dsr_mixpanel_add_archive_host, v.c_str()); }
    /// A dsr_region; -1 when a base URL was set.
    int region() const { return dsr_mixpanel_region(raw_); }
    std::string base_url() const { return detail::owned(dsr_mixpanel_base_url, raw_); }
    std::int64_t retrieval_limit() const { return dsr_mixpanel_retrieval_limit(raw_); }
    std::int64_t deletion_limit() const { return dsr_mixpanel_deletion_limit(raw_); }
};

/// Limits and times; what each means stands with its function in dsrkit.h.
class settings : public settable<settings, dsr_settings, dsr_settings_free> {
public:
    settings() : settable(detail::output<dsr_settings *>(dsr_settings_new)) {}
    settings &requests_per_second(double v) { return set(dsr_settings_set_requests_per_second, v); }
    settings &request_timeout(milliseconds time) { return set(dsr_settings_set_request_timeout_ms, time.count()); }
    settings &connect_timeout(milliseconds time) { return set(dsr_settings_set_connect_timeout_ms, time.count()); }
    settings &backoff_initial(milliseconds time) { return set(dsr_settings_set_backoff_initial_ms, time.count()); }
    settings &backoff_max(milliseconds time) { return set(dsr_settings_set_backoff_max_ms, time.count()); }
    settings &request_worth(milliseconds time) { return set(dsr_settings_set_request_worth_ms, time.count()); }
    settings &poll_initial(milliseconds time) { return set(dsr_settings_set_poll_initial_ms, time.count()); }
    settings &poll_max(milliseconds time) { return set(dsr_settings_set_poll_max_ms, time.count()); }
    settings &ambiguous_retry_after(milliseconds time) { return set(dsr_settings_set_ambiguous_retry_after_ms, time.count()); }
    settings &lost_after(milliseconds time) { return set(dsr_settings_set_lost_after_ms, time.count()); }
    settings &keep_deleted_for(milliseconds time) { return set(dsr_settings_set_keep_deleted_for_ms, time.count()); }
    settings &keep_retrieved_for(milliseconds time) { return set(dsr_settings_set_keep_retrieved_for_ms, time.count()); }
    settings &scan_budget_days(std::uint32_t v) { return set(dsr_settings_set_scan_budget_days, v); }
    settings &project_age_days(std::uint32_t v) { return set(dsr_settings_set_project_age_days, v); }
    settings &max_ids_per_deletion_plan(std::uint64_t v) { return set(dsr_settings_set_max_ids_per_deletion_plan, v); }
    settings &archive_max_bytes(std::uint64_t v) { return set(dsr_settings_set_archive_max_bytes, v); }
    settings &on_ambiguous(dsr_ambiguity v) { return set(dsr_settings_set_on_ambiguous, v); }
    settings &proxy(const std::string &v) { return set(dsr_settings_set_proxy, v.c_str()); }
    settings &ca_bundle(const std::string &v) { return set(dsr_settings_set_ca_bundle, v.c_str()); }
    /// 32 random bytes.
    settings &journal_key(const std::string &key) {
        detail::call(dsr_settings_set_journal_key, raw_, reinterpret_cast<const std::uint8_t *>(key.data()), key.size());
        return *this;
    }
    /// What they hold now.
    double requests_per_second() const { return dsr_settings_requests_per_second(raw_); }
    milliseconds request_timeout() const { return milliseconds(dsr_settings_request_timeout_ms(raw_)); }
    milliseconds connect_timeout() const { return milliseconds(dsr_settings_connect_timeout_ms(raw_)); }
    milliseconds backoff_initial() const { return milliseconds(dsr_settings_backoff_initial_ms(raw_)); }
    milliseconds backoff_max() const { return milliseconds(dsr_settings_backoff_max_ms(raw_)); }
    milliseconds request_worth() const { return milliseconds(dsr_settings_request_worth_ms(raw_)); }
    milliseconds poll_initial() const { return milliseconds(dsr_settings_poll_initial_ms(raw_)); }
    milliseconds poll_max() const { return milliseconds(dsr_settings_poll_max_ms(raw_)); }
    milliseconds ambiguous_retry_after() const { return milliseconds(dsr_settings_ambiguous_retry_after_ms(raw_)); }
    milliseconds lost_after() const { return milliseconds(dsr_settings_lost_after_ms(raw_)); }
    milliseconds keep_deleted_for() const { return milliseconds(dsr_settings_keep_deleted_for_ms(raw_)); }
    milliseconds keep_retrieved_for() const { return milliseconds(dsr_settings_keep_retrieved_for_ms(raw_)); }
    std::uint32_t scan_budget_days() const { return dsr_settings_scan_budget_days(raw_); }
    std::uint32_t project_age_days() const { return dsr_settings_project_age_days(raw_); }
    std::uint64_t max_ids_per_deletion_plan() const { return dsr_settings_max_ids_per_deletion_plan(raw_); }
    std::uint64_t archive_max_bytes() const { return dsr_settings_archive_max_bytes(raw_); }
    /// A dsr_ambiguity.
    int on_ambiguous() const { return dsr_settings_on_ambiguous(raw_); }
    /// Empty for none; the same for the one below.
    std::string proxy() const { return detail::owned(dsr_settings_proxy, raw_); }
    std::string ca_bundle() const { return detail::owned(dsr_settings_ca_bundle, raw_); }
};

/// What a plan says besides its ids.
class plan_options : public settable<plan_options, dsr_plan_options, dsr_plan_options_free> {
public:
    plan_options() : settable(detail::output<dsr_plan_options *>(dsr_plan_options_new)) {}
    plan_options &compliance(dsr_compliance law) { return set(dsr_plan_options_set_compliance, law); }
    plan_options &disclosure(dsr_disclosure what) { return set(dsr_plan_options_set_disclosure, what); }
    plan_options &reference(const std::string &v) { return set(dsr_plan_options_set_reference, v.c_str()); }
    plan_options &received_at_ms(std::int64_t at) { return set(dsr_plan_options_set_received_at_ms, at); }
    plan_options &deadline_ms(std::int64_t at) { return set(dsr_plan_options_set_deadline_ms, at); }
    plan_options &hold_for(milliseconds time) { return set(dsr_plan_options_set_hold_for_ms, time.count()); }
    plan_options &skip_bad(bool yes) { return set(dsr_plan_options_set_skip_bad, yes); }
    plan_options &allow_unusual(bool yes) { return set(dsr_plan_options_set_allow_unusual, yes); }
    plan_options &archives(const std::string &v) { return set(dsr_plan_options_set_archives, v.c_str()); }
    plan_options &column(const std::string &v) { return set(dsr_plan_options_set_column, v.c_str()); }
};

/// How archives become packages.
class collect_options : public settable<collect_options, dsr_collect_options, dsr_collect_options_free> {
public:
    collect_options() : settable(detail::output<dsr_collect_options *>(dsr_collect_options_new)) {}
    collect_options &html(bool yes) { return set(dsr_collect_options_set_html, yes); }
    collect_options &raw(bool yes) { return set(dsr_collect_options_set_raw, yes); }
    collect_options &allow_plain(bool yes) { return set(dsr_collect_options_set_allow_plain, yes); }
    collect_options &secret(const std::string &v) { return set(dsr_collect_options_add_secret, v.c_str()); }
    collect_options &timezone(const std::string &v) { return set(dsr_collect_options_set_timezone, v.c_str()); }
    collect_options &language(const std::string &v) { return set(dsr_collect_options_set_language, v.c_str()); }
    collect_options &templates(const std::string &v) { return set(dsr_collect_options_set_templates, v.c_str()); }
    collect_options &protect(const std::string &v) { return set(dsr_collect_options_set_protect, v.c_str()); }
};

} // namespace dsr

#endif
