// dsrkit for C++17: the C library as classes that free themselves. Header only; link libdsrkit.
//
//     dsr::mixpanel project("PROJECT_TOKEN", "OAUTH_TOKEN");
//     dsr::client client(project.region(DSR_REGION_EU), "dsr.sqlite3");
//     dsr::plan plan = client.plan_deletion(ids, dsr::plan_options().reference("DSR-2026-0042"));
//     dsr::run run = plan.start(plan.confirm());
//     for (const dsr::event &event : run.events()) std::cout << event.text() << '\n';
//     std::cout << run.report().count("done") << " deleted\n";
//
// Handles are move-only. Every failure is a dsr::error. A std::string_view that a getter gives
// lives as long as the object that it was asked of; a missing text is an empty one. Ids are any
// range of what converts to std::string_view. A negative time-out is none. More: see dsrkit.h.
#ifndef DSRKIT_HPP
#define DSRKIT_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "dsrkit.h"

namespace dsr {

using milliseconds = std::chrono::milliseconds;
constexpr milliseconds no_limit{-1};

namespace detail {

inline std::string_view text(const char *text) { return text ? text : std::string_view(); }

/// Owns one handle.
template <class T, void (*Free)(T *)> class handle {
public:
    using raw_type = T;
    explicit handle(T *raw = nullptr) noexcept : raw_(raw) {}
    handle(handle &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
    handle &operator=(handle &&other) noexcept {
        std::swap(raw_, other.raw_);
        return *this;
    }
    handle(const handle &) = delete;
    handle &operator=(const handle &) = delete;
    ~handle() { Free(raw_); }
    /// The C handle, for functions that have no method here; stays owned by this object.
    T *get() const noexcept { return raw_; }

protected:
    T *raw_;
};

} // namespace detail

/// What went wrong. what() is one line; hint() says what you can do about it.
class error : public std::runtime_error {
public:
    error(dsr_status code, dsr_error *raw)
        : std::runtime_error(raw ? dsr_error_message(raw) : dsr_status_name(code)), code_(code),
          hint_(detail::text(dsr_error_hint(raw))), job_id_(detail::text(dsr_error_job_id(raw))),
          sent_(detail::text(dsr_error_sent(raw))), http_status_(dsr_error_http_status(raw)),
          retry_after_(dsr_error_retry_after_ms(raw)) {
        for (std::size_t i = 0; i < dsr_error_n_tasks(raw); ++i)
            task_ids_.emplace_back(dsr_error_task_id(raw, i));
        dsr_error_free(raw);
    }
    dsr_status code() const noexcept { return code_; }
    const std::string &hint() const noexcept { return hint_; }
    const std::string &job_id() const noexcept { return job_id_; }
    const std::vector<std::string> &task_ids() const noexcept { return task_ids_; }
    /// "no", "maybe" or "yes": whether the vendor saw the request.
    const std::string &sent() const noexcept { return sent_; }
    /// 0 for none.
    int http_status() const noexcept { return http_status_; }
    /// -1 when it is not known.
    milliseconds retry_after() const noexcept { return milliseconds(retry_after_); }

private:
    dsr_status code_;
    std::string hint_, job_id_, sent_;
    std::vector<std::string> task_ids_;
    int http_status_;
    std::int64_t retry_after_;
};

namespace detail {

/// Calls a C function, whose last parameter is the error, and throws when it fails. DSR_NO_EVENT
/// and DSR_END are given back.
template <class F, class... A> dsr_status call(F function, A... arguments) {
    dsr_error *raw = nullptr;
    const dsr_status status = function(arguments..., &raw);
    if (status != DSR_OK && status != DSR_NO_EVENT && status != DSR_END) throw error(status, raw);
    return status;
}

/// Calls a C function that has one output, before the error.
template <class T, class F, class... A> T output(F function, A... arguments) {
    T out{};
    call(function, arguments..., &out);
    return out;
}

/// A text that C gave away.
template <class F, class... A> std::string owned(F function, A... arguments) {
    char *raw = output<char *>(function, arguments...);
    std::string text(raw);
    dsr_string_free(raw);
    return text;
}

/// A range of ids in one block, with pointers and lengths.
struct packed {
    std::string block;
    std::vector<const char *> ids;
    std::vector<std::size_t> lengths;

    template <class Range> explicit packed(const Range &range) {
        for (const auto &id : range) {
            const std::string_view view(id);
            block.append(view);
            lengths.push_back(view.size());
        }
        const char *at = block.data();
        for (std::size_t length : lengths) {
            ids.push_back(at);
            at += length;
        }
    }
};

/// Items that a function gives one by one, for range-for.
template <class Next> class pulled {
    using item = std::invoke_result_t<Next>;

public:
    struct sentinel {};
    class iterator {
    public:
        explicit iterator(Next next) : next_(std::move(next)) { ++*this; }
        const auto &operator*() const { return *item_; }
        iterator &operator++() {
            item_ = next_();
            return *this;
        }
        bool operator!=(sentinel) const { return item_.has_value(); }

    private:
        Next next_;
        item item_;
    };
    explicit pulled(Next next) : next_(std::move(next)) {}
    iterator begin() const { return iterator(next_); }
    sentinel end() const { return {}; }

private:
    Next next_;
};

} // namespace detail

/// A handle with setters, which give the object back.
template <class Self, class T, void (*Free)(T *)> class settable : public detail::handle<T, Free> {
public:
    using detail::handle<T, Free>::handle;
    /// Any dsr_..._set_... of this kind of handle, with its value.
    template <class V, class A> Self &set(dsr_status (*setter)(T *, V, dsr_error **), A value) {
        detail::call(setter, this->raw_, static_cast<V>(value));
        return static_cast<Self &>(*this);
    }
};

/// A Mixpanel project: credentials and limits.
class mixpanel : public settable<mixpanel, dsr_mixpanel, dsr_mixpanel_free> {
public:
    using settable::settable;
    mixpanel(const std::string &project_token, const std::string &oauth_token)
        : settable(detail::output<dsr_mixpanel *>(dsr_mixpanel_new, project_token.c_str(), oauth_token.c_str())) {}
    mixpanel &region(dsr_region region) { return set(dsr_mixpanel_set_region, region); }
    mixpanel &base_url(const std::string &v) { return set(dsr_mixpanel_set_base_url, v.c_str()); }
    mixpanel &api_version(const std::string &v) { return set(dsr_mixpanel_set_api_version, v.c_str()); }
    mixpanel &data_groups(std::uint32_t groups) { return set(dsr_mixpanel_set_data_groups, groups); }
    mixpanel &archive_secret(const std::string &v) { return set(dsr_mixpanel_add_archive_secret, v.c_str()); }
    mixpanel &archive_host(const std::string &v) { return set(dsr_mixpanel_add_archive_host, v.c_str()); }
};

/// Limits and times: `settings().set(dsr_settings_set_poll_max_ms, 600000)`.
class settings : public settable<settings, dsr_settings, dsr_settings_free> {
public:
    settings() : settable(detail::output<dsr_settings *>(dsr_settings_new)) {}
    settings &journal_key(const std::string &key) { detail::call(dsr_settings_set_journal_key, raw_, reinterpret_cast<const std::uint8_t *>(key.data()), key.size()); return *this; }
};

/// What a plan says besides its ids; set() for what has no method here.
class plan_options : public settable<plan_options, dsr_plan_options, dsr_plan_options_free> {
public:
    plan_options() : settable(detail::output<dsr_plan_options *>(dsr_plan_options_new)) {}
    plan_options &compliance(dsr_compliance law) { return set(dsr_plan_options_set_compliance, law); }
    plan_options &disclosure(dsr_disclosure what) { return set(dsr_plan_options_set_disclosure, what); }
    plan_options &reference(const std::string &v) { return set(dsr_plan_options_set_reference, v.c_str()); }
    plan_options &hold_for(milliseconds time) { return set(dsr_plan_options_set_hold_for_ms, time.count()); }
    plan_options &skip_bad(bool yes) { return set(dsr_plan_options_set_skip_bad, yes); }
    plan_options &allow_unusual(bool yes) { return set(dsr_plan_options_set_allow_unusual, yes); }
    plan_options &archives(const std::string &v) { return set(dsr_plan_options_set_archives, v.c_str()); }
    plan_options &column(const std::string &v) { return set(dsr_plan_options_set_column, v.c_str()); }
};

/// How archives become packages: set() with dsr_collect_options_....
class collect_options : public settable<collect_options, dsr_collect_options, dsr_collect_options_free> {
public:
    collect_options() : settable(detail::output<dsr_collect_options *>(dsr_collect_options_new)) {}
};

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

class event : public detail::handle<dsr_event, dsr_event_free> {
public:
    using handle::handle;
    std::string_view kind() const { return detail::text(dsr_event_kind(raw_)); }
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
    std::int64_t batch() const { return dsr_outcome_batch(raw_); }
};

/// The account of a run at one moment.
class report : public detail::handle<dsr_report, dsr_report_free> {
public:
    using handle::handle;
    std::string_view state() const { return detail::text(dsr_report_state(raw_)); }
    std::int64_t count(const std::string &word) const { return dsr_report_count(raw_, word.c_str()); }
    std::uint64_t subjects() const { return dsr_report_subjects(raw_); }
    std::uint64_t duplicates() const { return dsr_report_duplicates(raw_); }
    std::uint64_t ambiguous() const { return dsr_report_ambiguous(raw_); }
    std::uint64_t refused() const { return dsr_report_refused(raw_); }
    std::size_t n_jobs() const { return dsr_report_n_jobs(raw_); }
    std::size_t n_problems() const { return dsr_report_n_problems(raw_); }
    std::string_view problem_kind(std::size_t i) const { return detail::text(dsr_report_problem_kind(raw_, i)); }
    std::string_view problem_message(std::size_t i) const { return detail::text(dsr_report_problem_message(raw_, i)); }
    std::string_view problem_hint(std::size_t i) const { return detail::text(dsr_report_problem_hint(raw_, i)); }
    std::string_view packages() const { return detail::text(dsr_report_packages(raw_)); }
    std::string_view json() const { return detail::text(dsr_report_json(raw_)); }
};

/// A plan being carried out. Its client must outlive this object, not the run.
class run : public detail::handle<dsr_run, dsr_run_free> {
public:
    using handle::handle;
    std::string_view id() const { return detail::text(dsr_run_id(raw_)); }
    std::string_view state() const { return detail::text(detail::output<const char *>(dsr_run_state, raw_)); }
    /// DSR_OK with an event, DSR_NO_EVENT or DSR_END.
    dsr_status next_event(std::optional<event> &next, milliseconds timeout = no_limit) const {
        return pull(next, dsr_run_next_event, raw_, timeout.count());
    }
    /// The run's events to its end, for range-for. Ends early at wakeup().
    auto events() const {
        return detail::pulled([raw = raw_] {
            std::optional<event> item;
            pull(item, dsr_run_next_event, raw, -1);
            return item;
        });
    }
    /// The outcome of each id, for range-for.
    auto outcomes() const {
        return detail::pulled([raw = raw_] {
            std::optional<outcome> item;
            pull(item, dsr_run_next_outcome, raw);
            return item;
        });
    }
    void wakeup() const { detail::call(dsr_run_wakeup, raw_); }
    /// Throws DSR_DEADLINE after the time-out.
    dsr::report wait(milliseconds timeout = no_limit) const { return account(dsr_run_wait, timeout.count()); }
    dsr::report report() const { return account(dsr_run_report); }
    dsr::report cancel() const { return account(dsr_run_cancel); }
    dsr::report collect(const std::string &folder, const collect_options &options = {}) const {
        return account(dsr_run_collect, folder.c_str(), options.get());
    }

private:
    template <class Item, class F, class... A>
    static dsr_status pull(std::optional<Item> &item, F function, A... arguments) {
        typename Item::raw_type *out = nullptr;
        const dsr_status status = detail::call(function, arguments..., &out);
        item.reset();
        if (status == DSR_OK) item.emplace(out);
        return status;
    }
    template <class F, class... A> dsr::report account(F function, A... arguments) const {
        return dsr::report(detail::output<dsr_report *>(function, raw_, arguments...));
    }
};

/// A frozen plan.
class plan : public detail::handle<dsr_plan, dsr_plan_free> {
public:
    using handle::handle;
    std::string_view id() const { return detail::text(dsr_plan_id(raw_)); }
    std::uint64_t subjects() const { return dsr_plan_subjects(raw_); }
    std::uint64_t duplicates() const { return dsr_plan_duplicates(raw_); }
    std::uint32_t batches() const { return dsr_plan_batches(raw_); }
    std::string_view confirm() const { return detail::text(dsr_plan_confirm(raw_)); }
    std::string_view estimate() const { return detail::text(dsr_plan_estimate(raw_)); }
    /// A retrieval needs no confirmation.
    run start() const { return run(detail::output<dsr_run *>(dsr_plan_start, raw_, static_cast<const char *>(nullptr))); }
    run start(std::string_view confirm) const {
        return run(detail::output<dsr_run *>(dsr_plan_start, raw_, std::string(confirm).c_str()));
    }
};

/// A client of one project, with its journal: a path, or ":memory:".
class client : public detail::handle<dsr_client, dsr_client_free> {
public:
    client(const mixpanel &project, const std::string &journal, const settings &settings = {})
        : handle(detail::output<dsr_client *>(dsr_client_new, project.get(), settings.get(), journal.c_str())) {}

    template <class Range> plan plan_retrieval(const Range &ids, const plan_options &options = {}) const { return frozen(dsr_client_plan_retrieval_n, ids, options); }
    template <class Range> plan plan_deletion(const Range &ids, const plan_options &options = {}) const { return frozen(dsr_client_plan_deletion_n, ids, options); }
    plan plan_retrieval_file(const std::string &path, const plan_options &options = {}) const {
        return plan(detail::output<dsr_plan *>(dsr_client_plan_retrieval_file, raw_, path.c_str(), options.get()));
    }
    plan plan_deletion_file(const std::string &path, const plan_options &options = {}) const {
        return plan(detail::output<dsr_plan *>(dsr_client_plan_deletion_file, raw_, path.c_str(), options.get()));
    }
    dsr::run run(const std::string &id) const { return dsr::run(detail::output<dsr_run *>(dsr_client_run, raw_, id.c_str())); }
    /// Plans and runs as JSON.
    std::string runs() const { return detail::owned(dsr_client_runs, raw_); }
    /// When something is due next, in milliseconds since 1970; -1 for never.
    std::int64_t tick() const { return detail::output<std::int64_t>(dsr_client_tick, raw_); }
    std::uint64_t seal(const std::string &run_id) const { return detail::output<std::uint64_t>(dsr_client_seal, raw_, run_id.c_str()); }
    /// JSON lists: the runs that named this id; the ids of the runs that were purged.
    std::string was_processed(const std::string &id) const { return detail::owned(dsr_client_was_processed, raw_, id.c_str()); }
    std::string purge(std::int64_t older_than_ms) const { return detail::owned(dsr_client_purge, raw_, older_than_ms); }
    std::uint64_t verify_journal() const { return detail::output<std::uint64_t>(dsr_client_verify_journal, raw_); }

    template <class Range>
    job create_retrieval(const Range &ids, dsr_compliance law = DSR_GDPR, dsr_disclosure what = DSR_DISCLOSURE_UNSET) const {
        const detail::packed p(ids);
        return job(detail::output<dsr_job *>(dsr_client_create_retrieval_n, raw_, p.ids.data(), p.lengths.data(), p.ids.size(), law, what));
    }
    template <class Range> job create_deletion(const Range &ids, dsr_compliance law = DSR_GDPR) const {
        const detail::packed p(ids);
        return job(detail::output<dsr_job *>(dsr_client_create_deletion_n, raw_, p.ids.data(), p.lengths.data(), p.ids.size(), law));
    }
    job get_retrieval(const std::string &id) const { return job(detail::output<dsr_job *>(dsr_client_get_retrieval, raw_, id.c_str())); }
    job get_deletion(const std::string &id) const { return job(detail::output<dsr_job *>(dsr_client_get_deletion, raw_, id.c_str())); }
    void cancel_retrieval(const std::string &id) const { detail::call(dsr_client_cancel_retrieval, raw_, id.c_str()); }
    void cancel_deletion(const std::string &id) const { detail::call(dsr_client_cancel_deletion, raw_, id.c_str()); }

private:
    template <class F, class Range> plan frozen(F function, const Range &ids, const plan_options &options) const {
        const detail::packed p(ids);
        return plan(detail::output<dsr_plan *>(function, raw_, p.ids.data(), p.lengths.data(), p.ids.size(), options.get()));
    }
};

/// A simulated vendor in this process. Speed 0: a virtual clock.
class sandbox : public detail::handle<dsr_sandbox, dsr_sandbox_free> {
public:
    explicit sandbox(const std::string &options = "{}", std::uint16_t port = 0, double speed = 0)
        : handle(detail::output<dsr_sandbox *>(dsr_sandbox_new, options.c_str(), port, speed, static_cast<const char *>(nullptr))) {}
    std::string_view base_url() const { return detail::text(dsr_sandbox_base_url(raw_)); }
    /// A project of this vendor, ready for a client.
    dsr::mixpanel mixpanel() const { return dsr::mixpanel(detail::output<dsr_mixpanel *>(dsr_sandbox_mixpanel, raw_)); }
    void advance(milliseconds time) const { detail::call(dsr_sandbox_advance_ms, raw_, time.count()); }
    void faults(const std::string &json) const { detail::call(dsr_sandbox_faults, raw_, json.c_str()); }
    std::string ledger() const { return detail::owned(dsr_sandbox_ledger, raw_); }
    std::string summary() const { return detail::owned(dsr_sandbox_summary, raw_); }
    std::string credentials() const { return detail::owned(dsr_sandbox_credentials, raw_); }
};

} // namespace dsr

#endif
