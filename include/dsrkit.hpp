// dsrkit for C++17: the C library as classes that free themselves. Header only; link libdsrkit.
//
//     dsr::mixpanel project("PROJECT_TOKEN", "OAUTH_TOKEN");
//     dsr::client client(project.region(DSR_REGION_EU), "dsr.sqlite3");
//     dsr::plan plan = client.plan_deletion(ids, dsr::plan_options().reference("DSR-2026-0042"));
//     dsr::run run = plan.start(plan.confirm());
//     for (const dsr::event &event : run.events())
//         if (event.kind() != "waiting") std::cout << event.text() << '\n';
//     std::cout << run.report().count("done") << " deleted\n";
//
// Handles are move-only. Every failure throws a dsr::error; dsr::attempt() gives it back instead. A std::string_view that a getter gives
// lives as long as the object that it was asked of; a missing text is an empty one. Ids are any
// range of what converts to std::string_view. A negative time-out is none. More: see dsrkit.h.
#ifndef DSRKIT_HPP
#define DSRKIT_HPP

#include "dsrkit/client.hpp"
#include "dsrkit/log.hpp"
#include "dsrkit/sandbox.hpp"

#endif
