using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Orders.Api.OrderStore;
using Orders.Tests.Api;

namespace Orders.Tests.Shipments;

/// <summary>Shipments that are announced over HTTP, once or several times.</summary>
internal sealed class AnnounceShipmentTests
{
    private const string Path = "/orders/12345/shipments";
    private const string Order = """{"orderId":"12345","email":"customer@example.com","product":"Laptop"}""";
    private const string Parcel = """{"email":"customer@example.com","trackingNumber":"1Z999","carrier":"Acorn Parcel","link":"https://parcel.example/1Z999"}""";
    private const string SecondParcel = """{"email":"customer@example.com","trackingNumber":"1Z998"}""";
    private const string OtherCarrier = """{"email":"customer@example.com","trackingNumber":"1Z999","carrier":"Oak Parcel","link":"https://parcel.example/1Z999"}""";
    private const string OtherAddress = """{"email":"other@example.com","trackingNumber":"1Z997"}""";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private ApiUnderTest _api = null!;

    [SetUp]
    public async Task StartAsync() => _api = await ApiUnderTest.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [Test]
    public async Task A_shipment_is_accepted_and_published_as_the_answer_says()
    {
        var answer = await _api.PostAsync(Parcel, Path);

        var published = _api.TakeShipments().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(202), answer.Body);
            Assert.That(answer.Headers.Location?.OriginalString, Is.EqualTo("/orders/12345"));
            Assert.That(answer.Body, Is.EqualTo(
                $$$"""{"message":"Shipment announced successfully!","shipment":{"orderId":"12345","email":"customer@example.com","trackingNumber":"1Z999","carrier":"Acorn Parcel","link":"https://parcel.example/1Z999","shippedAt":"{{{answer.Json["shipment"]!["shippedAt"]}}}"}}"""));
            Assert.That(published, Is.EqualTo(new OrderShipped(
                "12345", "customer@example.com", "1Z999", "Acorn Parcel", "https://parcel.example/1Z999", (DateTimeOffset)answer.Json["shipment"]!["shippedAt"]!)));
        }
    }

    [Test]
    public async Task The_same_shipment_is_answered_as_the_first_time_and_not_published_again()
    {
        using var repeated = Measured<long>.By(_api.Services, "orders.shipments.repeated", "Orders.Api");
        using var accepted = Measured<long>.By(_api.Services, "orders.shipments.accepted", "Orders.Api");
        using var orders = Measured<long>.By(_api.Services, "orders.accepted", "Orders.Api");
        var first = await _api.PostAsync(Parcel, Path);
        var second = await _api.PostAsync(Parcel, Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Status, Is.EqualTo(202), second.Body);
            Assert.That((string?)second.Json["message"], Is.EqualTo("This shipment was announced already."));
            Assert.That(second.Json["shipment"]!.ToJsonString(), Is.EqualTo(first.Json["shipment"]!.ToJsonString()));
            Assert.That((string?)second.Json["status"], Is.Not.Null);
            Assert.That(_api.TakeShipments(), Has.Count.EqualTo(1));
            Assert.That((accepted.All, repeated.All, orders.All), Is.EqualTo((new[] { "1" }, new[] { "1" }, Array.Empty<string>())));
        }
    }

    [Test]
    public async Task Another_shipment_with_the_tracking_number_is_a_conflict_and_another_order_with_it_is_not()
    {
        using var refused = Measured<long>.By(_api.Services, "orders.shipments.refused", "Orders.Api");
        await _api.PostAsync(Parcel, Path);
        _api.TakeShipments();

        var answer = await _api.PostAsync(OtherCarrier, Path);
        _api.Expect(answer, 409);
        var otherOrder = await _api.PostAsync(OtherCarrier, "/orders/12346/shipments");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Title, Is.EqualTo("The tracking number is taken"));
            Assert.That(answer.Body, Does.Not.Contain("customer").And.Not.Contain("Acorn"));
            Assert.That(refused.All, Is.EqualTo(["1 error.type=conflict"]));
            Assert.That(otherOrder.Status, Is.EqualTo(202), otherOrder.Body);
        }
    }

    [Test]
    public async Task An_order_has_many_shipments_all_for_its_address()
    {
        await _api.PostAsync(Order);
        _api.TakePublished();
        var other = await _api.PostAsync(OtherAddress, Path);
        _api.Expect(other, 409);

        var answers = new[] { await _api.PostAsync(Parcel, Path), await _api.PostAsync(SecondParcel, Path) };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(other.Title, Is.EqualTo("The order has another address"));
            Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(202));
            Assert.That(_api.TakeShipments().Select(shipment => shipment.TrackingNumber), Is.EqualTo(["1Z999", "1Z998"]));
        }
    }

    [Test]
    public async Task A_shipment_of_an_order_that_is_not_known_is_taken_and_the_order_can_still_be_placed()
    {
        var shipment = await _api.PostAsync(OtherAddress, Path);
        var order = await _api.PostAsync(Order);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(shipment.Status, Is.EqualTo(202), shipment.Body);
            Assert.That((string?)order.Json["message"], Is.EqualTo("Order placed successfully!"));
            Assert.That(_api.TakePublished(), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Of_many_at_the_same_moment_one_is_published_and_all_are_answered_alike()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(() => _api.PostAsync(Parcel, Path))));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(202));
            Assert.That(answers.Select(answer => answer.Json["shipment"]!.ToJsonString()).Distinct().Count(), Is.EqualTo(1));
            Assert.That(_api.TakeShipments(), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task Who_comes_while_the_shipment_is_being_published_waits_for_what_becomes_of_it()
    {
        var publishing = new BlockedPublishes<OrderShipped>();
        _api.Services.GetRequiredService<IBus>().ConnectPublishObserver(publishing);
        var first = _api.PostAsync(Parcel, Path);
        await publishing.Begun.WaitAsync(Patience);
        var second = _api.PostAsync(Parcel, Path);
        var other = await _api.PostAsync(OtherCarrier, Path);
        var waited = !second.IsCompleted;

        publishing.GoOn();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(other.Status, Is.EqualTo(409), "Whatever becomes of the first.");
            Assert.That(waited);
            Assert.That((await first).Status, Is.EqualTo(202));
            Assert.That((await second).Status, Is.EqualTo(202));
            Assert.That(_api.TakeShipments(), Has.Count.EqualTo(1));
        }
    }

    [Test]
    public async Task A_shipment_of_which_nobody_knows_what_became_is_published_again_as_the_same_message()
    {
        using var refused = Measured<long>.By(_api.Services, "orders.shipments.refused", "Orders.Api");
        var publishing = new BlockedPublishes<OrderShipped> { Fails = 1 };
        publishing.GoOn();
        _api.Services.GetRequiredService<IBus>().ConnectPublishObserver(publishing);

        var first = await _api.PostAsync(Parcel, Path);
        var other = await _api.PostAsync(OtherCarrier, Path);
        var second = await _api.PostAsync(Parcel, Path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((first.Status, first.Title), Is.EqualTo((503, "The shipment may or may not have been announced")));
            Assert.That(((string?)first.Json["orderId"], (string?)first.Json["trackingNumber"]), Is.EqualTo(("12345", "1Z999")));
            Assert.That(first.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(5)));
            Assert.That(other.Status, Is.EqualTo(409), "The first may have been announced.");
            Assert.That(second.Status, Is.EqualTo(202), second.Body);
            Assert.That(publishing.Messages.Distinct().Count(), Is.EqualTo(1), "To the last tick of the time.");
            Assert.That(publishing.Messages, Has.Count.EqualTo(2));
            Assert.That(refused.All, Is.EqualTo(["1 error.type=unknown_outcome", "1 error.type=conflict"]));
        }
    }

    [Test]
    public async Task Without_an_order_store_every_shipment_is_a_new_one()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: ("Ledger__Store", "None"));

        var answers = new[] { await api.PostAsync(Parcel, Path), await api.PostAsync(Parcel, Path), await api.PostAsync(OtherCarrier, Path) };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(202));
            Assert.That(api.TakeShipments(), Has.Count.EqualTo(3));
        }
    }

    [Test]
    public async Task While_the_order_store_is_away_nothing_is_announced()
    {
        await using var store = await ValkeyServer.StartNewAsync();
        await using var api = await ApiUnderTest.StartAsync(settings: [.. store.Settings]);
        await store.StopAsync();

        var answer = await api.PostAsync(Parcel, Path);

        api.Expect(answer, 503);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Title, Is.EqualTo("The shipment was not announced"));
            Assert.That(answer.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(5)));
        }
    }

    [Test]
    public async Task While_the_broker_is_away_nothing_is_announced()
    {
        await using var api = await ApiUnderTest.StartAsync(settings:
        [
            ("Messaging__Transport", "RabbitMq"),
            ("RabbitMq__Host", "127.0.0.1"),
            ("RabbitMq__Port", $"{Ports.Free(1)[0]}"),
            ("RabbitMq__Username", "nobody"),
            ("RabbitMq__Password", "nothing"),
        ]);
        using var refused = Measured<long>.By(api.Services, "orders.shipments.refused", "Orders.Api");

        var answer = await api.PostAsync(Parcel, Path);

        api.Expect(answer, 503);
        Assert.That(answer.Title, Is.EqualTo("The shipment was not announced"));
        Assert.That(refused.All, Is.EqualTo(["1 error.type=not_announced"]));
    }

    [TestCase("/orders/12345/shipments", "{}", 400, "email", "trackingNumber")]
    [TestCase("/orders/12345/shipments", """{"email":"nobody","trackingNumber":"1 2","carrier":"","link":"javascript:alert(1)"}""", 400, "email", "trackingNumber", "carrier", "link")]
    [TestCase("/orders/12%20345/shipments", SecondParcel, 400, "orderId")]
    [TestCase("/orders/12345/shipments/", "{", 400)]
    [TestCase("/orders/12345/shipments", "null", 400)]
    [TestCase("/orders/12345/shipments", """{"email":"customer@example.com","trackingNumber":12345}""", 400)]
    public async Task Every_wrong_field_is_named_at_once_and_a_refusal_counted_once(string path, string body, int status, params string[] fields)
    {
        using var refused = Measured<long>.By(_api.Services, "orders.shipments.refused", "Orders.Api");
        using var orders = Measured<long>.By(_api.Services, "orders.refused", "Orders.Api");

        var answer = await _api.PostAsync(body, path);

        _api.Expect(answer, status);
        Assert.That(answer.WrongFields, Is.EquivalentTo(fields));
        Assert.That((refused.All, orders.All), Is.EqualTo((new[] { "1 error.type=invalid" }, Array.Empty<string>())));
    }

    [Test]
    public async Task A_body_over_16_KiB_or_of_another_type_is_refused()
    {
        _api.Expect(await _api.PostAsync(Parcel.PadRight(16 * 1024 + 1), Path), 413);
        _api.Expect(await _api.PostAsync(Parcel, Path, "text/plain"), 415);
    }

    [Test]
    public async Task A_shipment_too_many_is_refused()
    {
        await using var api = await ApiUnderTest.StartAsync(settings: [("RateLimit__PermitsPerSecond", "1"), ("RateLimit__Burst", "1")]);
        using var refused = Measured<long>.By(api.Services, "orders.shipments.refused", "Orders.Api");

        for (var i = 0; i < 3; i++)
        {
            await api.PostAsync(Parcel, Path);
        }

        Assert.That(refused.All, Is.Not.Empty.And.All.EqualTo("1 error.type=rate_limited"));
    }

    [Test]
    public void The_message_id_comes_of_what_the_shipment_says()
    {
        var shipment = new OrderShipped("12345", "customer@example.com", "1Z999", null, null, DateTimeOffset.UnixEpoch);
        var id = StoredContent.Of(shipment).MessageId;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(StoredContent.Of(shipment with { ShippedAt = DateTimeOffset.MaxValue }).MessageId, Is.EqualTo(id));
            Assert.That(StoredContent.Of(shipment with { OrderId = "12346" }).MessageId, Is.Not.EqualTo(id));
            Assert.That(StoredContent.Of(shipment with { Link = "https://parcel.example/" }).MessageId, Is.Not.EqualTo(id));
            Assert.That(StoredContent.Of(shipment).Address, Is.EqualTo(StoredContent.Of(new OrderPlaced("12345", "customer@example.com", "Laptop", default)).Address));
        }
    }
}
