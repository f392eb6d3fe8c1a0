#include "json/json_object.hpp"

#include <boost/json/parse.hpp>

#include "core/ascii.hpp"

namespace talky::ipc {
namespace json = boost::json;

namespace {

const json::value* find(const json::object& object, std::string_view key) {
  return object.if_contains(json::string_view(key.data(), key.size()));
}

} // namespace

Result<JsonObject> JsonObject::parse(std::string_view text, std::size_t most) {
  if (text.size() > most) return fail(Errc::too_large, most, "a shorter message");
  json::parse_options options;
  options.max_depth = 16;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(Errc::malformed, 0, "JSON");
  if (!value.is_object()) return fail(Errc::malformed, 0, "a JSON object");
  return JsonObject(std::move(value));
}

std::optional<std::string_view> JsonObject::text(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  const json::string* text = value ? value->if_string() : nullptr;
  if (!text) return std::nullopt;
  return std::string_view(text->data(), text->size());
}

std::optional<std::uint64_t> JsonObject::number(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (!value) return std::nullopt;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  if (const json::string* text = value->if_string())
    return ascii::to_number<std::uint64_t>(std::string_view(text->data(), text->size()));
  return std::nullopt;
}

bool JsonObject::has(std::string_view key) const {
  return find(value_.get_object(), key) != nullptr;
}

std::optional<std::string_view> JsonObject::text(std::string_view key) const {
  return text(value_.get_object(), key);
}

std::optional<std::uint64_t> JsonObject::number(std::string_view key) const {
  return number(value_.get_object(), key);
}

const json::object* JsonObject::object(std::string_view key) const {
  const json::value* value = find(value_.get_object(), key);
  return value ? value->if_object() : nullptr;
}

} // namespace talky::ipc
