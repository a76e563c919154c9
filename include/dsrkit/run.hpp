// Plans and runs. Part of dsrkit.hpp.
#ifndef DSRKIT_RUN_HPP
#define DSRKIT_RUN_HPP

#include "account.hpp"
#include "project.hpp"

namespace dsr {

class plan;

/// A plan being carried out. Its client must outlive this object, not the run.
class run : public detail::handle<dsr_run, dsr_run_free> {
public:
    using handle::handle;
    std::string_view id() const { return detail::text(dsr_run_id(raw_)); }
    std::string_view kind() const { return detail::text(dsr_run_kind(raw_)); }
    std::string_view state() const { return detail::text(detail::output<const char *>(dsr_run_state, raw_)); }
    /// In milliseconds since 1970; -1 when nothing is due.
    std::int64_t next_due_ms() const { return detail::output<std::int64_t>(dsr_run_next_due_ms, raw_); }
    std::string_view waiting_for() const { return detail::text(detail::output<const char *>(dsr_run_waiting_for, raw_)); }
    std::uint64_t count(const std::string &word) const {
        return detail::output<std::uint64_t>(dsr_run_count, raw_, word.c_str());
    }
    /// The vendor tasks as JSON.
    std::string jobs() const { return detail::owned(dsr_run_jobs, raw_); }
    /// The plan that it carries out; for a plan of another process, what to start.
    dsr::plan plan() const;
    /// For poll and epoll: readable when next_event with no time-out has something to give.
    int fd() const { return detail::output<int>(dsr_run_fd, raw_); }
    /// DSR_OK with an event, DSR_NO_EVENT or DSR_END.
    dsr_status next_event(std::optional<event> &next, milliseconds timeout = no_limit) const {
        return pull(next, dsr_run_next_event, raw_, timeout.count());
    }
    /// The run's events to its end, for range-for. Ends early at wakeup().
    auto events() const {
        return detail::pulled<event, dsr_run>(raw_, [](dsr_run *raw, const std::optional<event> &) {
            std::optional<event> item;
            pull(item, dsr_run_next_event, raw, -1);
            return item;
        });
    }
    /// What the journal has of the run's events now, for range-for. Drives nothing.
    auto history() const {
        return detail::pulled<event, dsr_run>(raw_, [](dsr_run *raw, const std::optional<event> &last) {
            std::optional<event> item;
            pull(item, dsr_run_event_after, raw, last ? last->seq() : 0);
            return item;
        });
    }
    /// The outcome of each id, for range-for.
    auto outcomes() const {
        return detail::pulled<outcome, dsr_run>(raw_, [](dsr_run *raw, const std::optional<outcome> &) {
            std::optional<outcome> item;
            pull(item, dsr_run_next_outcome, raw);
            return item;
        });
    }
    /// CSV files with a header line, readable by their owner only.
    void outcomes_csv(const std::string &path) const { detail::call(dsr_run_outcomes_csv, raw_, path.c_str()); }
    void events_csv(const std::string &path) const { detail::call(dsr_run_events_csv, raw_, path.c_str()); }
    void wakeup() const { detail::call(dsr_run_wakeup, raw_); }
    /// Throws DSR_DEADLINE after the time-out.
    dsr::report wait(milliseconds timeout = no_limit) const { return account(dsr_run_wait, timeout.count()); }
    dsr::report report() const { return account(dsr_run_report); }
    dsr::report cancel() const { return account(dsr_run_cancel); }
    /// About a batch that waits for a person. A deletion needs the number of its people.
    dsr::report send_again(std::uint32_t batch, std::uint64_t confirm_people = 0) const {
        return account(dsr_run_decide, batch, "send_again", static_cast<const char *>(nullptr), confirm_people);
    }
    dsr::report follow(std::uint32_t batch, const std::string &task_id) const {
        return account(dsr_run_decide, batch, "follow", task_id.c_str(), 0);
    }
    dsr::report give_up(std::uint32_t batch) const {
        return account(dsr_run_decide, batch, "give_up", static_cast<const char *>(nullptr), 0);
    }
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
    std::string_view kind() const { return detail::text(dsr_plan_kind(raw_)); }
    std::string_view reference() const { return detail::text(dsr_plan_reference(raw_)); }
    std::uint64_t subjects() const { return dsr_plan_subjects(raw_); }
    std::uint64_t refused() const { return dsr_plan_refused(raw_); }
    std::uint64_t duplicates() const { return dsr_plan_duplicates(raw_); }
    std::int64_t deadline_ms() const { return dsr_plan_deadline_ms(raw_); }
    std::uint32_t batches() const { return dsr_plan_batches(raw_); }
    std::string_view confirm() const { return detail::text(dsr_plan_confirm(raw_)); }
    std::string_view estimate() const { return detail::text(dsr_plan_estimate(raw_)); }
    milliseconds sending() const { return milliseconds(dsr_plan_sending_ms(raw_)); }
    /// -1 when no job of this kind has ended in this project yet; the same for the two below.
    std::int64_t expected_requests() const { return dsr_plan_expected_requests(raw_); }
    milliseconds expected_min() const { return milliseconds(dsr_plan_expected_min_ms(raw_)); }
    milliseconds expected_max() const { return milliseconds(dsr_plan_expected_max_ms(raw_)); }
    std::string_view expected_bound() const { return detail::text(dsr_plan_expected_bound(raw_)); }
    /// A retrieval needs no confirmation.
    run start() const { return run(detail::output<dsr_run *>(dsr_plan_start, raw_, static_cast<const char *>(nullptr))); }
    run start(std::string_view confirm) const {
        return run(detail::output<dsr_run *>(dsr_plan_start, raw_, std::string(confirm).c_str()));
    }
    /// Starts it if it names exactly so many people.
    run start_counted(std::uint64_t people) const {
        return run(detail::output<dsr_run *>(dsr_plan_start_counted, raw_, people));
    }
};

inline plan run::plan() const { return dsr::plan(detail::output<dsr_plan *>(dsr_run_plan, raw_)); }

} // namespace dsr

#endif
