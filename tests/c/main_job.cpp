// The main job through dsrkit.hpp: retrieval with packages, deletion with confirmation, the
// vendor's record.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "dsrkit.hpp"

template <class Work> static dsr_status thrown_by(Work work) {
    try {
        work();
        return DSR_OK;
    } catch (const dsr::error &error) {
        CHECK(*error.what() && !error.hint().empty());
        return error.code();
    }
}

static std::vector<std::string> people(const std::string &prefix, int n) {
    std::vector<std::string> ids;
    for (int i = 0; i < n; ++i) ids.push_back(prefix + std::to_string(i));
    return ids;
}

static std::string retrieval(const dsr::client &client, const std::string &folder) {
    const dsr::run run = client.plan_retrieval(people("friend-", 12)).start();
    std::set<std::string> kinds;
    for (const dsr::event &event : run.events()) kinds.emplace(event.kind());
    CHECK(kinds.count("submitted") && kinds.count("archived") && kinds.count("finished"));
    const dsr::report report = run.collect(folder);
    CHECK(report.state() == "finished" && report.count("done") == 12);
    CHECK(report.packages() == folder && report.n_problems() == 0);
    std::size_t done = 0;
    for (const dsr::outcome &outcome : run.outcomes()) done += outcome.word() == "done";
    CHECK(done == 12);
    std::cout << "retrieval: " << done << " packages in " << report.packages() << '\n';
    return std::string(run.id());
}

static void deletion(const dsr::client &client) {
    const auto ids = people("leaver-", 2500);
    dsr::plan plan = client.plan_deletion(ids, dsr::plan_options().reference("DSR-7"));
    CHECK(plan.subjects() == ids.size() && plan.batches() == 2);
    CHECK(thrown_by([&] { plan.start(); }) == DSR_NOT_CONFIRMED);
    dsr::run run = plan.start(plan.confirm());
    const dsr::run moved = std::move(run);
    CHECK(run.get() == nullptr);
    const dsr::report report = moved.wait(std::chrono::minutes(1));
    CHECK(report.count("done") == 2500 && moved.state() == "finished");
    CHECK(client.run(std::string(moved.id())).state() == "finished");
    CHECK(client.runs().find(std::string(moved.id())) != std::string::npos);
    std::cout << "deletion: " << report.count("done") << " done\n";
}

static void refusals(const dsr::sandbox &sandbox, const dsr::client &client) {
    using namespace std::string_view_literals;
    CHECK(thrown_by([] { dsr::mixpanel("token\n", "oauth"); }) == DSR_CONFIG);
    CHECK(thrown_by([&] { client.plan_deletion(std::vector<std::string>()); }) == DSR_INVALID_INPUT);
    CHECK(thrown_by([&] { client.plan_deletion(std::vector{"nul\0inside"sv}); }) == DSR_INVALID_INPUT);
    CHECK(thrown_by([&] { client.run("no such run"); }) == DSR_NOT_FOUND);
    CHECK(thrown_by([] { dsr::settings().set(dsr_settings_set_poll_max_ms, -1); }) == DSR_INVALID_INPUT);
    const dsr::settings slow =
        std::move(dsr::settings().set(dsr_settings_set_poll_max_ms, 1).set(dsr_settings_set_proxy, nullptr));
    CHECK(thrown_by([&] { dsr::client(sandbox.mixpanel(), ":memory:", slow); }) == DSR_CONFIG);
}

static void removal(const dsr::sandbox &sandbox, const dsr::client &client, const std::string &place) {
    dsr::plan plan = client.plan_deletion(people("gone-", 3));
    const dsr::run run = plan.start(plan.confirm());
    run.wait(std::chrono::minutes(1));
    const std::string id(run.id());
    CHECK(client.seal(id) == 3 && client.seal(id) == 0);
    for (const dsr::outcome &outcome : run.outcomes()) CHECK(std::string(outcome.id()).rfind("sealed:", 0) == 0);
    CHECK(client.was_processed("gone-1").find(id) != std::string::npos);
    CHECK(client.was_processed("nobody") == "[]");
    CHECK(client.verify_journal() > 2);
    CHECK(client.purge(365LL * 86400000) == "[]" && client.purge(0).find(id) != std::string::npos);
    CHECK(client.was_processed("gone-1") == "[]");

    const std::string path = place + "/locked.sqlite3";
    dsr::settings settings;
    CHECK(thrown_by([&] { settings.journal_key(std::string(31, 'k')); }) == DSR_INVALID_INPUT);
    settings.journal_key(std::string(32, 'k'));
    CHECK(dsr::client(sandbox.mixpanel(), path, settings).verify_journal() == 0);
    CHECK(thrown_by([&] { dsr::client(sandbox.mixpanel(), path); }) == DSR_CONFIG);
}

static void single_calls(const dsr::client &client) {
    const dsr::job made = client.create_deletion(std::vector<const char *>{"single-1"});
    CHECK(made.kind() == "deletion" && made.status() == "PENDING");
    client.cancel_deletion(std::string(made.id()));
    CHECK(client.get_deletion(std::string(made.id())).status() == "REVOKED");
    try {
        client.cancel_deletion(std::string(made.id()));
        CHECK(!"a cancelled task was cancelled again");
    } catch (const dsr::error &error) {
        CHECK(error.code() == DSR_TOO_LATE && error.http_status() == 405);
        CHECK(error.job_id() == made.id() && error.sent() == "yes");
    }
}

static void results_and_log(const dsr::sandbox &sandbox) {
    int lines = 0;
    auto listener = [&](dsr_log_level level, std::string_view line) {
        CHECK(level <= DSR_LOG_DEBUG && !line.empty());
        if (++lines == 1) throw std::runtime_error("must not reach the library");
    };
    dsr::log(listener, DSR_LOG_DEBUG);
    const dsr::client client(sandbox.mixpanel(), ":memory:");
    auto refused = dsr::attempt([&] { return client.plan_deletion(std::vector<std::string>{"null"}); });
    CHECK(!refused && refused.code() == DSR_INVALID_INPUT && !refused.error().hint().empty());
    CHECK(thrown_by([&] { refused.value(); }) == DSR_INVALID_INPUT);
    auto plan = dsr::attempt([&] { return client.plan_deletion(std::vector<std::string>{"log-1", "log-2"}); });
    CHECK(plan && plan->subjects() == 2 && plan->kind() == "deletion" && plan->expected_bound() == "not known");
    const dsr::run run = plan->start_counted(2);
    CHECK(run.fd() >= 0 && run.plan().id() == run.id() && run.kind() == "deletion");
    const dsr::report report = run.wait(std::chrono::minutes(1));
    CHECK(report.n_jobs() == 1 && report.job_ids(0) == 2 && report.job_status(0) == "SUCCESS");
    CHECK(report.job_origin(0) == "created" && report.job_cancel(0).empty() && report.job_polls(0) > 0);
    CHECK(report.run_id() == run.id() && report.compliance() == "GDPR" && report.deadline_ms() > report.at_ms());
    CHECK(run.count("done") == 2 && run.jobs().find("SUCCESS") != std::string::npos && run.waiting_for().empty());
    CHECK(lines > 1);
    dsr::no_log();
}

/* The iterators are those of the standard library. */
static void ranges(const dsr::client &client, const std::string &run_id) {
    const dsr::run run = client.run(run_id);
    std::size_t done = 0;
    auto outcomes = run.outcomes();
    for (auto at = outcomes.begin(); at != outcomes.end(); ++at) done += at->word() == "done";
    CHECK(done == 12);
#if __cplusplus >= 202002L
    static_assert(std::ranges::input_range<decltype(outcomes)>);
    CHECK(std::ranges::count_if(outcomes, [](const dsr::outcome &each) { return each.word() == "done"; }) == 12);
#endif
}

/* What came later: one step, calls as they are, what the journal has, files. */
static void one_step(const dsr::client &client, const std::string &place) {
    using namespace std::chrono_literals;
    const auto ids = people("step-", 3);
    CHECK(thrown_by([&] { client.erase(ids, 4); }) == DSR_NOT_CONFIRMED);
    const dsr::run run = client.erase(ids, 3, dsr::plan_options().reference("DSR-9"));
    std::size_t before = 0, after = 0;
    for (const dsr::event &event : run.history()) before += event.seq() > 0;
    CHECK(before == 2 && run.wait(1min).count("done") == 3);
    for (const dsr::event &event : run.history()) after += !event.text().empty();
    CHECK(after > before);
    run.outcomes_csv(place + "/outcomes.csv");
    run.events_csv(place + "/events.csv");
    CHECK(client.retrieve(ids).wait(1min).count("done") == 3);
    dsr::settings settings;
    settings.request_timeout(5s).proxy("http://127.0.0.1:9");
    CHECK(settings.request_timeout() == 5s && settings.proxy() == "http://127.0.0.1:9" && settings.ca_bundle().empty());
    CHECK(settings.requests_per_second() == 0 && settings.on_ambiguous() == DSR_RESOLVE);
    const dsr::client hasty = client.with_settings(dsr::settings().request_timeout(5s));
    const dsr::answer answer = hasty.raw("GET", "/data-deletions/v3.0/1/");
    CHECK(answer.http_status() >= 200 && !answer.body().empty() && answer.n_headers() > 0);
    CHECK(!answer.header_name(0).empty() && answer.header_value(answer.n_headers()).empty());
    CHECK(thrown_by([&] { client.with_settings(dsr::settings().poll_initial(1ms)); }) == DSR_CONFIG);
}

static void project() {
    dsr::mixpanel project("token", "oauth");
    CHECK(project.region() == DSR_REGION_US && project.retrieval_limit() == 2000);
    CHECK(project.region(DSR_REGION_EU).base_url() == "https://eu.mixpanel.com/api/app");
    CHECK(project.data_groups(1).deletion_limit() == 1000);
    CHECK(project.base_url("http://127.0.0.1:9/api/app").region() == -1);
    CHECK(thrown_by([&] { project.tokens("with blank", "oauth"); }) == DSR_CONFIG);
    unsetenv("DSRKIT_MIXPANEL_OAUTH_TOKEN");
    setenv("DSRKIT_MIXPANEL_PROJECT_TOKEN", "token", 1);
    CHECK(thrown_by([] { dsr::mixpanel::from_env(); }) == DSR_CONFIG);
    setenv("DSRKIT_MIXPANEL_OAUTH_TOKEN", "oauth", 1);
    setenv("DSRKIT_MIXPANEL_REGION", "in", 1);
    CHECK(dsr::mixpanel::from_env().region() == DSR_REGION_IN);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    const std::string place = argv[1];
    try {
        const dsr::sandbox sandbox;
        const dsr::client client(sandbox.mixpanel(), place + "/dsr.sqlite3");
        ranges(client, retrieval(client, place + "/out"));
        deletion(client);
        one_step(client, place);
        refusals(sandbox, client);
        single_calls(client);
        results_and_log(sandbox);
        project();
        removal(sandbox, client, place);
        const std::string ledger = sandbox.ledger();
        for (const auto &id : people("leaver-", 2500)) {
            const std::size_t at = ledger.find('"' + id + '"');
            CHECK(at != std::string::npos && ledger.find('"' + id + '"', at + 1) == std::string::npos);
        }
    } catch (const dsr::error &error) {
        std::cerr << dsr_status_name(error.code()) << ": " << error.what() << '\n';
        ++failed;
    }
    return closing_line("main_job (C++)");
}
