// The log. Part of dsrkit.hpp.
#ifndef DSRKIT_LOG_HPP
#define DSRKIT_LOG_HPP

#include "handle.hpp"

namespace dsr {

/// Gives each line of the log up to a level to `callback(dsr_log_level, std::string_view)`, on threads
/// that are inside this library. What it throws is lost. It must live until no_log() has returned.
template <class F> void log(F &callback, dsr_log_level most = DSR_LOG_INFO) {
    const dsr_log_callback hand_over = [](int level, const char *line, void *user) {
        try {
            (*static_cast<F *>(user))(static_cast<dsr_log_level>(level), std::string_view(line));
        } catch (...) {
        }
    };
    detail::call(dsr_log_set, hand_over, static_cast<void *>(&callback), most);
}

inline void no_log() { detail::call(dsr_log_set, dsr_log_callback(nullptr), nullptr, DSR_LOG_ERROR); }

} // namespace dsr

#endif
