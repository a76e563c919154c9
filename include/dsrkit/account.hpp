// What comes back: jobs, events, outcomes, reports. Part of dsrkit.hpp.
#ifndef DSRKIT_ACCOUNT_HPP
#define DSRKIT_ACCOUNT_HPP

#include "handle.hpp"

namespace dsr {

/// A vendor task as one answer showed it.
class job : public detail::handle<dsr_job, dsr_job_free> {
public:
    using handle::handle;
    std::string_view id() const { return detail::text(dsr_job_id(raw_)); }
    std::string_view kind() const { return detail::text(dsr_job_kind(raw_)); }
    std::string_view status() const { return detail::text(dsr_job_status(raw_)); }
    std::string_view requested_at() const { return detail::text(dsr_job_requested_at(raw_)); }
    std::string_view download_url() const { return detail::text(dsr_job_download_url(raw_)); }
};

/// What a published workflow tells.
class flow : public detail::handle<dsr_flow, dsr_flow_free> {
public:
    using handle::handle;
    std::string_view task_id() const { return detail::text(dsr_flow_task_id(raw_)); }
    std::string_view task_status() const { return detail::text(dsr_flow_task_status(raw_)); }
    std::string_view download_url() const { return detail::text(dsr_flow_download_url(raw_)); }
};

/// What the vendor answered to client::raw.
class answer : public detail::handle<dsr_answer, dsr_answer_free> {
public:
    using handle::handle;
    int http_status() const { return dsr_answer_http_status(raw_); }
    std::string_view body() const {
        const char *body = dsr_answer_body(raw_);
        return body ? std::string_view(body, dsr_answer_body_bytes(raw_)) : std::string_view();
    }
    /// Headers are counted from 0; their names are in small letters.
    std::size_t n_headers() const { return dsr_answer_n_headers(raw_); }
    std::string_view header_name(std::size_t i) const { return detail::text(dsr_answer_header_name(raw_, i)); }
    std::string_view header_value(std::size_t i) const { return detail::text(dsr_answer_header_value(raw_, i)); }
};

class event : public detail::handle<dsr_event, dsr_event_free> {
public:
    using handle::handle;
    std::string_view kind() const { return detail::text(dsr_event_kind(raw_)); }
    std::string_view run_id() const { return detail::text(dsr_event_run_id(raw_)); }
    std::string_view text() const { return detail::text(dsr_event_text(raw_)); }
    std::string_view task_id() const { return detail::text(dsr_event_task_id(raw_)); }
    std::int64_t batch() const { return dsr_event_batch(raw_); }
    std::int64_t at_ms() const { return dsr_event_at_ms(raw_); }
    std::int64_t next_due_ms() const { return dsr_event_next_due_ms(raw_); }
    std::uint64_t seq() const { return dsr_event_seq(raw_); }
};

/// What became of one id.
class outcome : public detail::handle<dsr_outcome, dsr_outcome_free> {
public:
    using handle::handle;
    std::string_view id() const { return detail::text(dsr_outcome_id(raw_)); }
    std::string_view word() const { return detail::text(dsr_outcome_word(raw_)); }
    std::string_view task_id() const { return detail::text(dsr_outcome_task_id(raw_)); }
    /// The person's package, where collect() put it last; empty for none.
    std::string_view package() const { return detail::text(dsr_outcome_package(raw_)); }
    std::int64_t batch() const { return dsr_outcome_batch(raw_); }
};

/// The account of a run at one moment. Lists are counted from 0.
class report : public detail::handle<dsr_report, dsr_report_free> {
public:
    using handle::handle;
    std::string_view run_id() const { return detail::text(dsr_report_run_id(raw_)); }
    std::string_view kind() const { return detail::text(dsr_report_kind(raw_)); }
    std::string_view compliance() const { return detail::text(dsr_report_compliance(raw_)); }
    std::string_view reference() const { return detail::text(dsr_report_reference(raw_)); }
    std::string_view state() const { return detail::text(dsr_report_state(raw_)); }
    std::int64_t count(const std::string &word) const { return dsr_report_count(raw_, word.c_str()); }
    std::uint64_t subjects() const { return dsr_report_subjects(raw_); }
    std::uint64_t duplicates() const { return dsr_report_duplicates(raw_); }
    std::uint64_t refused() const { return dsr_report_refused(raw_); }
    std::int64_t received_at_ms() const { return dsr_report_received_at_ms(raw_); }
    std::int64_t deadline_ms() const { return dsr_report_deadline_ms(raw_); }
    std::int64_t at_ms() const { return dsr_report_at_ms(raw_); }
    std::int64_t purged_at_ms() const { return dsr_report_purged_at_ms(raw_); }
    /// Vendor tasks.
    std::size_t n_jobs() const { return dsr_report_n_jobs(raw_); }
    std::string_view job_task_id(std::size_t i) const { return detail::text(dsr_report_job_task_id(raw_, i)); }
    std::string_view job_status(std::size_t i) const { return detail::text(dsr_report_job_status(raw_, i)); }
    std::string_view job_origin(std::size_t i) const { return detail::text(dsr_report_job_origin(raw_, i)); }
    std::string_view job_cancel(std::size_t i) const { return detail::text(dsr_report_job_cancel(raw_, i)); }
    std::int64_t job_ids(std::size_t i) const { return dsr_report_job_ids(raw_, i); }
    std::int64_t job_polls(std::size_t i) const { return dsr_report_job_polls(raw_, i); }
    /// What a person must look at.
    std::size_t n_problems() const { return dsr_report_n_problems(raw_); }
    std::string_view problem_kind(std::size_t i) const { return detail::text(dsr_report_problem_kind(raw_, i)); }
    std::string_view problem_message(std::size_t i) const { return detail::text(dsr_report_problem_message(raw_, i)); }
    std::string_view problem_hint(std::size_t i) const { return detail::text(dsr_report_problem_hint(raw_, i)); }
    std::string_view problem_task_id(std::size_t i) const { return detail::text(dsr_report_problem_task_id(raw_, i)); }
    std::int64_t problem_batch(std::size_t i) const { return dsr_report_problem_batch(raw_, i); }
    std::int64_t problem_ids(std::size_t i) const { return dsr_report_problem_ids(raw_, i); }
    /// Requests whose answer was lost.
    std::size_t n_ambiguous() const { return dsr_report_n_ambiguous(raw_); }
    std::int64_t ambiguous_batch(std::size_t i) const { return dsr_report_ambiguous_batch(raw_, i); }
    std::int64_t ambiguous_attempt(std::size_t i) const { return dsr_report_ambiguous_attempt(raw_, i); }
    std::int64_t ambiguous_sent_at_ms(std::size_t i) const { return dsr_report_ambiguous_sent_at_ms(raw_, i); }
    std::string_view ambiguous_seen(std::size_t i) const { return detail::text(dsr_report_ambiguous_seen(raw_, i)); }
    /// Rows of the input that were left out: the first hundred of refused().
    std::size_t n_refused() const { return dsr_report_n_refused(raw_); }
    std::int64_t refused_row(std::size_t i) const { return dsr_report_refused_row(raw_, i); }
    std::string_view refused_reason(std::size_t i) const { return detail::text(dsr_report_refused_reason(raw_, i)); }
    /// Texts that the packages name as not filled in.
    std::size_t n_missing_texts() const { return dsr_report_n_missing_texts(raw_); }
    std::string_view missing_text(std::size_t i) const { return detail::text(dsr_report_missing_text(raw_, i)); }
    std::string_view packages() const { return detail::text(dsr_report_packages(raw_)); }
    std::string_view json() const { return detail::text(dsr_report_json(raw_)); }
    std::string_view text() const { return detail::text(dsr_report_text(raw_)); }
};

} // namespace dsr

#endif
