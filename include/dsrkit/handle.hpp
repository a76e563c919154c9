// Handles that free themselves, errors, and how C functions are called. Part of dsrkit.hpp.
#ifndef DSRKIT_HANDLE_HPP
#define DSRKIT_HANDLE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "../dsrkit.h"

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
          retry_after_(dsr_error_retry_after_ms(raw)), retryable_(dsr_error_is_retryable(raw)) {
        for (std::size_t i = 0; i < dsr_error_n_context(raw); ++i)
            context_.emplace_back(dsr_error_context_name(raw, i), dsr_error_context_value(raw, i));
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
    /// Whether the same call may work later.
    bool is_retryable() const noexcept { return retryable_; }
    /// Particulars, such as the row of a file; what() holds them too.
    const std::vector<std::pair<std::string, std::string>> &context() const noexcept { return context_; }

private:
    dsr_status code_;
    std::string hint_, job_id_, sent_;
    std::vector<std::string> task_ids_;
    int http_status_;
    std::int64_t retry_after_;
    bool retryable_;
    std::vector<std::pair<std::string, std::string>> context_;
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
    std::string text(raw ? raw : "");
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

/// Items that a function gives one by one, each after the last, for range-for and std::ranges.
template <class Item, class Raw> class pulled {
public:
    using source = std::optional<Item> (*)(Raw *, const std::optional<Item> &);
    struct sentinel {};
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using iterator_concept = std::input_iterator_tag;
        using value_type = Item;
        using difference_type = std::ptrdiff_t;
        using reference = const Item &;
        using pointer = const Item *;
        explicit iterator(Raw *raw, source next) : raw_(raw), next_(next) { ++*this; }
        reference operator*() const { return *item_; }
        pointer operator->() const { return &*item_; }
        iterator &operator++() {
            item_ = next_(raw_, item_);
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator &at, sentinel) { return !at.item_; }
        friend bool operator!=(const iterator &at, sentinel) { return at.item_.has_value(); }

    private:
        Raw *raw_;
        source next_;
        std::optional<Item> item_;
    };
    pulled(Raw *raw, source next) : raw_(raw), next_(next) {}
    iterator begin() const { return iterator(raw_, next_); }
    sentinel end() const { return {}; }

private:
    Raw *raw_;
    source next_;
};

} // namespace detail

/// What attempt() gives: a value, or the error instead of an exception.
template <class T> class result {
public:
    result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    result(dsr::error failure) : content_(std::in_place_index<1>, std::move(failure)) {}
    explicit operator bool() const noexcept { return content_.index() == 0; }
    dsr_status code() const noexcept { return *this ? DSR_OK : std::get<1>(content_).code(); }
    /// Throws the error if there is no value.
    T &value() {
        if (!*this) throw std::get<1>(content_);
        return std::get<0>(content_);
    }
    T &operator*() { return value(); }
    T *operator->() { return &value(); }
    /// Only where there is no value.
    const dsr::error &error() const { return std::get<1>(content_); }

private:
    std::variant<T, dsr::error> content_;
};

/// Does something, and gives its failure back: `auto run = dsr::attempt([&] { return plan.start(); });`
template <class F> auto attempt(F &&work) -> result<std::invoke_result_t<F>> {
    try {
        return work();
    } catch (const error &failure) {
        return failure;
    }
}

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

} // namespace dsr

#endif
