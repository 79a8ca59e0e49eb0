using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Orders.Api.OrderStore;

namespace Orders.Tests.Api;

/// <summary>An order that is sent again, for whatever reason.</summary>
public sealed class PlaceTwiceTests
{
    private const string Laptop = """{"orderId":"12345","email":"customer@example.com","product":"Laptop"}""";
    private const string Phone = """{"orderId":"12345","email":"customer@example.com","product":"Phone"}""";
    private const string LaptopWithoutId = """{"email":"customer@example.com","product":"Laptop"}""";
    private const string PhoneWithoutId = """{"email":"customer@example.com","product":"Phone"}""";

    private ApiUnderTest _api = null!;

    [SetUp]
    public async Task StartAsync() => _api = await ApiUnderTest.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [Test]
    public async Task The_same_order_is_answered_as_the_first_time_and_not_published_again()
    {
        using var repeated = Measured<long>.By(_api.Services, "orders.repeated", "Orders.Api");
        using var accepted = Measured<long>.By(_api.Services, "orders.accepted", "Orders.Api");
        var first = await _api.PostAsync(Laptop);
        var second = await _api.PostAsync(Laptop, "/order");

        var published = _api.TakePublished();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Status, Is.EqualTo(202), second.Body);
            Assert.That(second.Json["order"]!.ToJsonString(), Is.EqualTo(first.Json["order"]!.ToJsonString()));
            Assert.That((string?)second.Json["message"], Is.EqualTo("This order was placed already."));
            Assert.That((string?)second.Json["status"], Is.EqualTo("placed").Or.EqualTo("confirmed"));
            Assert.That(second.Headers.Location?.OriginalString, Is.EqualTo("/orders/12345"));
            Assert.That(published, Has.Count.EqualTo(1));
            Assert.That((accepted.All, repeated.All), Is.EqualTo((new[] { "1" }, new[] { "1" })));
        }
    }

    [Test]
    public async Task Another_order_with_the_id_is_a_conflict()
    {
        using var refused = Measured<long>.By(_api.Services, "orders.refused", "Orders.Api");
        await _api.PostAsync(Laptop);
        _api.TakePublished();

        var answer = await _api.PostAsync(Phone);

        _api.Expect(answer, 409);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Title, Is.EqualTo("The order id is taken"));
            Assert.That(answer.Body, Does.Not.Contain("customer").And.Not.Contain("Laptop"));
            Assert.That(refused.All, Is.EqualTo(["1 error.type=conflict"]));
        }
    }

    [Test]
    public async Task Of_many_at_the_same_moment_one_is_published_and_all_are_answered_alike()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(() => _api.PostAsync(Laptop))));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(202));
            Assert.That(answers.Select(answer => answer.Json["order"]!.ToJsonString()).Distinct().Count(), Is.EqualTo(1));
            Assert.That(_api.TakePublished(), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Who_comes_while_the_order_is_being_placed_waits_for_what_becomes_of_it()
    {
        var publishing = new BlockedPublishes<OrderPlaced>();
        _api.Services.GetRequiredService<IBus>().ConnectPublishObserver(publishing);
        var first = _api.PostAsync(Laptop);
        await publishing.Begun.WaitAsync(TimeSpan.FromSeconds(20));
        var second = _api.PostAsync(Laptop);
        var other = await _api.PostAsync(Phone);
        var waited = !second.IsCompleted;

        publishing.GoOn();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(other.Status, Is.EqualTo(409), "Whatever becomes of the first.");
            Assert.That(waited);
            Assert.That((await first).Status, Is.EqualTo(202));
            Assert.That((await second).Status, Is.EqualTo(202));
            Assert.That(_api.TakePublished(), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task An_order_of_which_nobody_knows_what_became_is_published_again_as_the_same_message()
    {
        var publishing = new BlockedPublishes<OrderPlaced> { Fails = 1 };
        publishing.GoOn();
        _api.Services.GetRequiredService<IBus>().ConnectPublishObserver(publishing);

        var first = await _api.PostAsync(Laptop);
        var other = await _api.PostAsync(Phone);
        var second = await _api.PostAsync(Laptop);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((first.Status, first.Title), Is.EqualTo((503, "The order may or may not have been placed")));
            Assert.That(other.Status, Is.EqualTo(409), "The first may have been placed.");
            Assert.That(second.Status, Is.EqualTo(202), second.Body);
            Assert.That(publishing.Messages.Select(message => message.Id).Distinct().Count(), Is.EqualTo(1));
            Assert.That(publishing.Messages.Select(message => message.Message).Distinct().Count(), Is.EqualTo(1), "To the last tick of the time.");
            Assert.That(publishing.Messages, Has.Count.EqualTo(2));
        }
    }

    [TestCase(Laptop, null)]
    [TestCase(LaptopWithoutId, "8e03978e-40d5-43dd-bc93-6894a57f9324")]
    public async Task After_the_ledger_lost_its_data_the_same_order_is_not_another_ones(string order, string? key)
    {
        var first = await PostAsync(order, key);
        var orderId = (string)first.Json["order"]!["orderId"]!;
        await using var api = await ApiUnderTest.StartAsync();
        var confirmedAt = DateTimeOffset.UtcNow;
        await api.Services.GetRequiredService<IOrderStore>().RecordAsync(
            NotificationKey.Confirmation(orderId), new NotificationChange(NotificationStatus.Sent, confirmedAt, MessageId: "<1@shop.example>"), default);

        var second = await PostAsync(order, key, api);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Status, Is.EqualTo(202), second.Body);
            Assert.That((string?)second.Json["message"], Is.EqualTo("This order was placed already."));
            Assert.That(second.Body, Does.Contain("\"status\":\"confirmed\""));
            Assert.That((string?)second.Json["order"]!["orderId"], Is.EqualTo(orderId));
            Assert.That(second.Json["order"]!["placedAt"]!.GetValue<DateTimeOffset>(), Is.EqualTo(confirmedAt).Within(TimeSpan.FromMinutes(1)), "Nobody knows better.");
            Assert.That(api.TakePublished(), Is.Empty);
        }
    }

    [Test]
    public async Task A_key_stands_for_the_order_id_that_is_left_out()
    {
        var first = await PostAsync(LaptopWithoutId, "8e03978e-40d5-43dd-bc93-6894a57f9324");
        var second = await PostAsync(LaptopWithoutId, "8e03978e-40d5-43dd-bc93-6894a57f9324");
        var another = await PostAsync(LaptopWithoutId, "another key");
        var published = _api.TakePublished();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { first, second, another }.Select(answer => answer.Status), Is.All.EqualTo(202));
            Assert.That(second.Json["order"]!.ToJsonString(), Is.EqualTo(first.Json["order"]!.ToJsonString()));
            Assert.That((string?)second.Json["status"], Is.Not.Null);
            Assert.That(published.Select(order => order.OrderId), Is.Unique.And.All.Matches("^[0-9a-f]{32}$"));
            Assert.That(published, Has.Count.EqualTo(2));
        }

        _api.Expect(await PostAsync(PhoneWithoutId, "another key"), 409);
    }

    [Test]
    public async Task Without_a_key_nobody_can_mean_the_same_order()
    {
        await _api.PostAsync(LaptopWithoutId);
        await _api.PostAsync(LaptopWithoutId);

        Assert.That(_api.TakePublished().Select(order => order.OrderId), Is.Unique.And.Exactly(2).Items);
    }

    [Test]
    public async Task An_order_id_counts_more_than_a_key()
    {
        await PostAsync(Laptop, "one");
        var answer = await PostAsync(Laptop, "two");
        // Not even looked at.
        var wrong = await PostAsync(Laptop, new string('x', 256));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Json["status"], Is.Not.Null);
            Assert.That(wrong.Json["status"], Is.Not.Null);
            Assert.That(_api.TakePublished().Select(order => order.OrderId), Is.EqualTo(["12345"]));
        }
    }

    [TestCase("", 400)]
    [TestCase("x", 202)]
    [TestCase("\"quoted\"", 202)]
    [TestCase("with, comma; and = ~ sign", 202)]
    [TestCase("{255}", 202)]
    [TestCase("{256}", 400)]
    [TestCase("tab\tin it", 400)]
    public async Task A_key_has_1_to_255_printable_characters(string key, int status)
    {
        var answer = await PostAsync(LaptopWithoutId, key is ['{', .. var length, '}'] ? new string('x', int.Parse(length, null)) : key);

        Assert.That(answer.Status, Is.EqualTo(status), answer.Body);
        if (status == 400)
        {
            _api.Expect(answer, 400);
            Assert.That(answer.WrongFields, Is.EqualTo(["Idempotency-Key"]));
        }
    }

    [Test]
    public async Task Without_an_order_store_every_order_is_a_new_one()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: ("Ledger__Store", "None"));

        var answers = new[] { await api.PostAsync(Laptop), await api.PostAsync(Laptop), await api.PostAsync(Phone) };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(202));
            Assert.That(api.TakePublished(), Has.Count.EqualTo(3));
        }
    }

    private Task<ApiUnderTest.Answer> PostAsync(string body, string? key, ApiUnderTest? api = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/orders") { Content = new StringContent(body, null, "application/json") };
        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        }

        return (api ?? _api).SendAsync(request);
    }
}
