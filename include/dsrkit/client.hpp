// The front door. Part of dsrkit.hpp.
#ifndef DSRKIT_CLIENT_HPP
#define DSRKIT_CLIENT_HPP

#include "callback.hpp"
#include "run.hpp"

namespace dsr {

/// A client of one project, with its journal: a path, or ":memory:".
class client : public detail::handle<dsr_client, dsr_client_free> {
public:
    client(const mixpanel &project, const std::string &journal, const settings &settings = {})
        : handle(detail::output<dsr_client *>(dsr_client_new, project.get(), settings.get(), journal.c_str())) {}

    /// The same client, whose single calls have the time-outs, back-off, proxy and authorities of these
    /// settings. Ends with the first one.
    client with_settings(const settings &settings) const {
        return client(detail::output<dsr_client *>(dsr_client_with_settings, raw_, settings.get()));
    }

    template <class Range> plan plan_retrieval(const Range &ids, const plan_options &options = {}) const { return frozen(dsr_client_plan_retrieval_n, ids, options); }
    template <class Range> plan plan_deletion(const Range &ids, const plan_options &options = {}) const { return frozen(dsr_client_plan_deletion_n, ids, options); }
    plan plan_retrieval_file(const std::string &path, const plan_options &options = {}) const {
        return plan(detail::output<dsr_plan *>(dsr_client_plan_retrieval_file, raw_, path.c_str(), options.get()));
    }
    plan plan_deletion_file(const std::string &path, const plan_options &options = {}) const {
        return plan(detail::output<dsr_plan *>(dsr_client_plan_deletion_file, raw_, path.c_str(), options.get()));
    }
    /// Planned and started in one step. `erase` deletes: irreversible, and only if the ids
    /// are exactly so many people.
    template <class Range> dsr::run retrieve(const Range &ids, const plan_options &options = {}) const {
        const detail::packed p(ids);
        return dsr::run(detail::output<dsr_run *>(dsr_client_retrieve_n, raw_, p.ids.data(), p.lengths.data(), p.ids.size(), options.get()));
    }
    template <class Range> dsr::run erase(const Range &ids, std::uint64_t people, const plan_options &options = {}) const {
        const detail::packed p(ids);
        return dsr::run(detail::output<dsr_run *>(dsr_client_delete_n, raw_, p.ids.data(), p.lengths.data(), p.ids.size(), people, options.get()));
    }
    dsr::run retrieve_file(const std::string &path, const plan_options &options = {}) const {
        return dsr::run(detail::output<dsr_run *>(dsr_client_retrieve_file, raw_, path.c_str(), options.get()));
    }
    dsr::run erase_file(const std::string &path, std::uint64_t people, const plan_options &options = {}) const {
        return dsr::run(detail::output<dsr_run *>(dsr_client_delete_file, raw_, path.c_str(), people, options.get()));
    }
    dsr::run run(const std::string &id) const { return dsr::run(detail::output<dsr_run *>(dsr_client_run, raw_, id.c_str())); }
    /// Plans and runs as JSON.
    std::string runs() const { return detail::owned(dsr_client_runs, raw_); }
    /// When something is due next, in milliseconds since 1970; -1 for never.
    std::int64_t tick() const { return detail::output<std::int64_t>(dsr_client_tick, raw_); }
    /// Whether it told anything that was not known; the run that it is about looks at its task sooner.
    bool receive_callback(const callback &heard) const {
        return detail::output<bool>(dsr_client_receive_callback, raw_, heard.get());
    }
    std::uint64_t seal(const std::string &run_id) const { return detail::output<std::uint64_t>(dsr_client_seal, raw_, run_id.c_str()); }
    /// JSON lists: the runs that named this id; the ids of the runs that were purged.
    std::string was_processed(const std::string &id) const { return detail::owned(dsr_client_was_processed, raw_, id.c_str()); }
    std::string purge(std::int64_t older_than_ms) const { return detail::owned(dsr_client_purge, raw_, older_than_ms); }
    /// A JSON list: which forms the vendor really sent, and how often.
    std::string drift() const { return detail::owned(dsr_client_drift, raw_); }
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
    /// The published workflows: one task, looked at once, or with `wait` until it has ended.
    template <class Range> flow retrieval_flow(const Range &ids, dsr_compliance law = DSR_GDPR, bool wait = false) const {
        const detail::packed p(ids);
        return flow(detail::output<dsr_flow *>(dsr_client_retrieval_flow_n, raw_, p.ids.data(), p.lengths.data(), p.ids.size(), law, wait));
    }
    template <class Range> flow deletion_flow(const Range &ids, dsr_compliance law = DSR_GDPR, bool wait = false) const {
        const detail::packed p(ids);
        return flow(detail::output<dsr_flow *>(dsr_client_deletion_flow_n, raw_, p.ids.data(), p.lengths.data(), p.ids.size(), law, wait));
    }
    job get_retrieval(const std::string &id) const { return job(detail::output<dsr_job *>(dsr_client_get_retrieval, raw_, id.c_str())); }
    job get_deletion(const std::string &id) const { return job(detail::output<dsr_job *>(dsr_client_get_deletion, raw_, id.c_str())); }
    void cancel_retrieval(const std::string &id) const { detail::call(dsr_client_cancel_retrieval, raw_, id.c_str()); }
    void cancel_deletion(const std::string &id) const { detail::call(dsr_client_cancel_deletion, raw_, id.c_str()); }
    /// A call of the vendor's API that has no method here; `json`: its body, empty for none.
    answer raw(const std::string &method, const std::string &path, const std::string &json = "") const {
        return answer(detail::output<dsr_answer *>(dsr_client_raw, raw_, method.c_str(), path.c_str(), json.empty() ? nullptr : json.c_str()));
    }

private:
    using handle::handle;
    template <class F, class Range> plan frozen(F function, const Range &ids, const plan_options &options) const {
        const detail::packed p(ids);
        return plan(detail::output<dsr_plan *>(function, raw_, p.ids.data(), p.lengths.data(), p.ids.size(), options.get()));
    }
};

} // namespace dsr

#endif
