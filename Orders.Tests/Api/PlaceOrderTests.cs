using System.Text;
using System.Text.Json.Nodes;

namespace Orders.Tests.Api;

public sealed class PlaceOrderTests
{
    private ApiUnderTest _api = null!;

    // The tests send orders of all kinds with one id: PlaceTwiceTests has what becomes of that.
    [OneTimeSetUp]
    public async Task StartAsync() => _api = await ApiUnderTest.StartAsync(settings: ("Ledger__Store", "None"));

    [OneTimeTearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [SetUp]
    public void Forget() => _api.TakePublished();

    [TestCase("/orders")]
    [TestCase("/order")]
    public async Task An_order_is_accepted_and_published_as_the_answer_says(string path)
    {
        var answer = await _api.PostAsync("""{"orderId":"12345","email":"customer@example.com","product":"Laptop"}""", path);

        var published = _api.TakePublished().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(202));
            Assert.That(answer.ContentHeaders.ContentType?.ToString(), Is.EqualTo("application/json; charset=utf-8"));
            Assert.That(answer.Headers.Location?.OriginalString, Is.EqualTo("/orders/12345"));
            Assert.That(answer.Body, Is.EqualTo(
                $$$"""{"message":"Order placed successfully!","order":{"orderId":"12345","email":"customer@example.com","product":"Laptop","placedAt":"{{{answer.Json["order"]!["placedAt"]}}}"}}"""));
            Assert.That((published.OrderId, published.Email, published.Product), Is.EqualTo(("12345", "customer@example.com", "Laptop")));
            Assert.That(published.PlacedAt, Is.EqualTo((DateTimeOffset)answer.Json["order"]!["placedAt"]!));
            Assert.That(published.PlacedAt.Offset, Is.EqualTo(TimeSpan.Zero));
        }
    }

    [TestCase("""{"email":"customer@example.com","product":"Laptop"}""", TestName = "An_order_id_that_is_left_out_is_generated")]
    [TestCase("""{"orderId":null,"email":"customer@example.com","product":"Laptop"}""", TestName = "An_order_id_that_is_null_is_generated")]
    public async Task Generated(string body)
    {
        var first = await _api.PostAsync(body);
        var second = await _api.PostAsync(body);

        var published = _api.TakePublished();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(published.Select(order => order.OrderId), Is.Unique.And.All.Matches("^[0-9a-f]{32}$"));
            Assert.That(new[] { first, second }.Select(answer => (string?)answer.Json["order"]!["orderId"]), Is.EqualTo(published.Select(order => order.OrderId)));
            Assert.That(first.Headers.Location?.OriginalString, Is.EqualTo($"/orders/{published[0].OrderId}"));
        }
    }

    [TestCase("orderId", "a", TestName = "An_order_id_of_1_character_is_taken")]
    [TestCase("orderId", "a.B_9-0", TestName = "An_order_id_of_every_kind_of_character_is_taken")]
    [TestCase("orderId", "{64}", TestName = "An_order_id_of_64_characters_is_taken")]
    [TestCase("product", "x", TestName = "A_product_of_1_character_is_taken")]
    [TestCase("product", "{200}", TestName = "A_product_of_200_characters_is_taken")]
    [TestCase("product", "Läptop ☕ 日本語 עברית", TestName = "A_product_in_any_script_is_taken")]
    [TestCase("product", "👩‍💻 💻", TestName = "A_product_with_characters_beyond_the_basic_plane_is_taken")]
    [TestCase("product", "<b>\"Laptop\" & 'mouse'</b>", TestName = "A_product_with_markup_is_taken")]
    [TestCase("email", "o'neil+shop@mail.example.co.uk", TestName = "An_address_with_a_tag_is_taken")]
    [TestCase("email", "customer@bücher.example", TestName = "An_address_with_a_domain_in_Unicode_is_taken")]
    [TestCase("email", "{254}", TestName = "An_address_of_254_characters_is_taken")]
    public async Task Taken(string field, string value)
    {
        var order = Order(field, value);

        var answer = await _api.PostAsync(order.ToJsonString());

        var published = _api.TakePublished();
        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)answer.Json["order"]![field], Is.EqualTo((string?)order[field]));
            Assert.That(published.Select(placed => (placed.OrderId, placed.Email, placed.Product)), Is.EqualTo([((string)order["orderId"]!, (string)order["email"]!, (string)order["product"]!)]));
        }
    }

    [TestCase(200, 202)]
    [TestCase(201, 400)]
    public async Task A_character_beyond_the_basic_plane_counts_once(int count, int status)
    {
        var answer = await _api.PostAsync(Order("product", string.Concat(Enumerable.Repeat("💻", count))).ToJsonString());

        Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
    }

    [TestCase("orderId", "", TestName = "An_empty_order_id_is_refused")]
    [TestCase("orderId", "{65}", TestName = "An_order_id_of_65_characters_is_refused")]
    [TestCase("orderId", "12 345", TestName = "An_order_id_with_a_space_is_refused")]
    [TestCase("orderId", "12/345", TestName = "An_order_id_with_a_slash_is_refused")]
    [TestCase("orderId", "12345\n", TestName = "An_order_id_with_a_line_feed_at_its_end_is_refused")]
    [TestCase("orderId", "१२३", TestName = "An_order_id_of_digits_of_another_script_is_refused")]
    [TestCase("orderId", "ордер", TestName = "An_order_id_of_letters_of_another_script_is_refused")]
    [TestCase("product", null, TestName = "A_missing_product_is_refused")]
    [TestCase("product", "", TestName = "An_empty_product_is_refused")]
    [TestCase("product", " \u00a0\u2003", TestName = "A_product_of_nothing_but_spaces_is_refused")]
    [TestCase("product", "{201}", TestName = "A_product_of_201_characters_is_refused")]
    [TestCase("product", "Lap\ttop", TestName = "A_product_with_a_tab_is_refused")]
    [TestCase("product", "Laptop\r\nBcc: all@example.com", TestName = "A_product_with_a_line_break_is_refused")]
    [TestCase("product", "Laptop\0", TestName = "A_product_with_a_null_is_refused")]
    [TestCase("product", "Lap\u0085top", TestName = "A_product_with_a_C1_control_is_refused")]
    [TestCase("email", null, TestName = "A_missing_address_is_refused")]
    [TestCase("email", "", TestName = "An_empty_address_is_refused")]
    [TestCase("email", " ", TestName = "A_blank_address_is_refused")]
    [TestCase("email", "customer", TestName = "An_address_without_a_domain_is_refused")]
    [TestCase("email", "@example.com", TestName = "An_address_without_a_local_part_is_refused")]
    [TestCase("email", "customer@", TestName = "An_address_with_an_empty_domain_is_refused")]
    [TestCase("email", "a@b@example.com", TestName = "An_address_with_two_at_signs_is_refused")]
    [TestCase("email", "Customer <customer@example.com>", TestName = "A_display_name_is_refused")]
    [TestCase("email", "<customer@example.com>", TestName = "An_address_in_angle_brackets_is_refused")]
    [TestCase("email", "a@example.com,b@example.com", TestName = "Two_addresses_with_a_comma_are_refused")]
    [TestCase("email", "a@example.com;b@example.com", TestName = "Two_addresses_with_a_semicolon_are_refused")]
    [TestCase("email", "a@example.com b@example.com", TestName = "Two_addresses_with_a_space_are_refused")]
    [TestCase("email", " customer@example.com", TestName = "An_address_after_a_space_is_refused")]
    [TestCase("email", "customer@example.com\r\nBcc: all@example.com", TestName = "An_address_with_a_line_break_is_refused")]
    [TestCase("email", "customer\0@example.com", TestName = "An_address_with_a_null_is_refused")]
    [TestCase("email", "\"cus\rtomer\"@example.com", TestName = "An_address_with_a_quoted_control_character_is_refused")]
    [TestCase("email", "zo\u200be@example.com", TestName = "An_address_with_an_invisible_character_is_refused")]
    [TestCase("email", "zo\u00a0e@example.com", TestName = "An_address_with_a_space_of_another_script_is_refused")]
    [TestCase("email", "\u202ezoe@example.com", TestName = "An_address_that_turns_the_direction_of_text_is_refused")]
    [TestCase("email", "customer@example..com", TestName = "An_address_with_an_empty_label_is_refused")]
    [TestCase("email", "\"a> NOTIFY=SUCCESS\"@example.com", TestName = "An_address_in_quotes_is_refused")]
    [TestCase("email", "a@[example.com> NOTIFY=SUCCESS]", TestName = "An_address_in_brackets_is_refused")]
    [TestCase("email", "a@[127.0.0.1]", TestName = "An_address_at_an_IP_address_is_refused")]
    [TestCase("email", "a@exa/mple.com", TestName = "An_address_with_a_slash_in_its_domain_is_refused")]
    [TestCase("email", "a@example.com.", TestName = "An_address_with_a_dot_at_its_end_is_refused")]
    [TestCase("email", "=?utf-8?q?a?=@example.com", TestName = "An_address_that_looks_encoded_is_refused")]
    [TestCase("email", "{255}", TestName = "An_address_of_255_characters_is_refused")]
    public async Task Refused(string field, string? value)
    {
        var answer = await _api.PostAsync(Order(field, value).ToJsonString());

        _api.Expect(answer, 400);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.WrongFields, Is.EqualTo([field]));
            Assert.That(answer.Title, Is.EqualTo("One or more validation errors occurred."));
        }
    }

    [TestCase("{}", "email", "product")]
    [TestCase("""{"orderId":"","email":"","product":""}""", "orderId", "email", "product")]
    [TestCase("""{"orderId":"no spaces","email":"customer@example.com","product":"\u0000"}""", "orderId", "product")]
    public async Task Every_wrong_field_is_named_at_once(string body, params string[] fields)
    {
        var answer = await _api.PostAsync(body);

        _api.Expect(answer, 400);
        Assert.That(answer.WrongFields, Is.EquivalentTo(fields));
    }

    [TestCase("application/json; charset=utf-8")]
    [TestCase("APPLICATION/JSON")]
    [TestCase("application/vnd.shop.order+json")]
    public async Task Every_way_to_say_JSON_is_taken(string contentType)
    {
        var answer = await _api.PostAsync(Order().ToJsonString(), contentType: contentType);

        Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
    }

    [Test]
    public async Task Another_encoding_is_taken_where_it_is_declared()
    {
        var answer = await _api.PostAsync(Encoding.Unicode.GetBytes(Order("product", "Läptop").ToJsonString()), contentType: "application/json; charset=utf-16");

        Assert.That(_api.TakePublished().Select(order => order.Product), Is.EqualTo(["Läptop"]), answer.Body);
    }

    [Test]
    public async Task Fields_are_found_in_any_order_and_case_and_others_passed_over()
    {
        var answer = await _api.PostAsync("""{"PRODUCT":"Laptop","Email":"customer@example.com","gift":{"wrapped":[true]},"orderID":"1"}""");

        var published = _api.TakePublished().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(202));
            Assert.That((published.OrderId, published.Email, published.Product), Is.EqualTo(("1", "customer@example.com", "Laptop")));
        }
    }

    /// <summary>A valid order but for one field; <c>{n}</c> stands for a value of n characters.</summary>
    private static JsonObject Order(string field = "orderId", string? value = "12345")
    {
        var order = new JsonObject { ["orderId"] = "12345", ["email"] = "customer@example.com", ["product"] = "Laptop" };
        order[field] = (field, value) switch
        {
            ("email", "{254}" or "{255}") => Address(int.Parse(value[1..^1], null)),
            (_, ['{', .. var length, '}']) when int.TryParse(length, out var count) => new string('x', count),
            _ => value,
        };
        return order;
    }

    private static string Address(int length)
    {
        var labels = string.Concat(Enumerable.Repeat($"{new string('d', 30)}.", 6));
        return $"{new string('a', length - labels.Length - "@example".Length)}@{labels}example";
    }
}
