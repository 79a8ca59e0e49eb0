using Orders.Api.OrderStore;

namespace Orders.Tests.OrderStore;

/// <summary>What every order store promises, whatever it is kept in: of an order and of each notification about it, by the same rules.</summary>
[TestFixture(false, false, TestName = "Of orders, in memory")]
[TestFixture(true, false, TestName = "Of orders, on Valkey")]
[TestFixture(false, true, TestName = "Of notifications, in memory")]
[TestFixture(true, true, TestName = "Of notifications, on Valkey")]
internal sealed class OrderStoreTests(bool onValkey, bool ofNotifications) : OrderStoreUnderTest(onValkey)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Test]
    public async Task One_of_many_claims_at_once_is_granted()
    {
        var claims = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => ClaimAsync("many"))));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claims.OfType<StoreClaim.Granted>().Count(), Is.EqualTo(1));
            Assert.That(claims.OfType<StoreClaim.Held>().Select(held => held.For), Has.Exactly(49).InRange(TimeSpan.FromSeconds(1), StoreClaim.Lease));
        }
    }

    [Test]
    public async Task What_was_placed_is_known_with_the_time_of_the_first_try()
    {
        await PlaceAsync("placed");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await ClaimAsync("placed", now: Noon.AddHours(1)), Is.EqualTo(new StoreClaim.Known(NotificationStatus.Accepted, Noon)));
            Assert.That(await ClaimAsync("placed", Phone), Is.EqualTo(new StoreClaim.Taken()));
            Assert.That(await FindAsync("placed"), Is.EqualTo("Placed at 0; attempts 0; [Placed at 0]"));
        }
    }

    [Test]
    public async Task What_is_being_placed_is_not_known_yet_and_its_id_taken()
    {
        await ClaimAsync("placing");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await Store.FindAsync("placing", default), Is.Null);
            Assert.That(await ClaimAsync("placing", Phone), Is.EqualTo(new StoreClaim.Taken()));
        }
    }

    [Test]
    public async Task An_id_is_free_again_whose_order_was_certainly_not_placed()
    {
        var claim = (StoreClaim.Granted)await ClaimAsync("free");

        await Store.EndClaimAsync(Key("free"), claim, inDoubt: false);

        Assert.That(await ClaimAsync("free", Phone, Noon.AddMinutes(1)), Is.InstanceOf<StoreClaim.Granted>().With.Property("AcceptedAt").EqualTo(Noon.AddMinutes(1)));
    }

    [Test]
    public async Task An_order_in_doubt_may_be_placed_again_but_no_other_one_with_its_id_whatever_became_of_the_second_try()
    {
        await Store.EndClaimAsync(Key("doubt"), (StoreClaim.Granted)await ClaimAsync("doubt"), inDoubt: true);
        var second = (StoreClaim.Granted)await ClaimAsync("doubt", now: Noon.AddMinutes(1));
        await Store.EndClaimAsync(Key("doubt"), second, inDoubt: false);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.AcceptedAt, Is.EqualTo(Noon), "It is the same order.");
            Assert.That(await ClaimAsync("doubt", Phone), Is.EqualTo(new StoreClaim.Taken()));
            Assert.That(await ClaimAsync("doubt"), Is.InstanceOf<StoreClaim.Granted>());
        }
    }

    [Test]
    public async Task Only_who_has_a_claim_ends_it()
    {
        await ClaimAsync("mine");

        await Store.EndClaimAsync(Key("mine"), new StoreClaim.Granted("somebody else's", Noon), inDoubt: false);

        Assert.That(await ClaimAsync("mine"), Is.InstanceOf<StoreClaim.Held>());
    }

    [Test]
    public async Task A_life_with_a_failed_delivery_ends_confirmed()
    {
        await PlaceAsync("life");
        await RecordAsync("life", Retrying(1));
        var retrying = await FindAsync("life");
        await RecordAsync("life", Sent(2));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(retrying, Is.EqualTo("Retrying at 0; attempts 1; next at 2; reason try 1; [Placed at 0, Retrying at 1]"));
            Assert.That(await FindAsync("life"), Is.EqualTo("Confirmed at 0; attempts 1; confirmed at 2 by <life@shop.example>; [Placed at 0, Retrying at 1, Confirmed at 2]"));
            Assert.That(await ClaimAsync("life"), Is.EqualTo(new StoreClaim.Known(NotificationStatus.Sent, Noon)));
        }
    }

    [Test]
    public async Task What_is_heard_before_the_broker_confirms_the_order_is_not_lost_by_that()
    {
        await ClaimAsync("fast");
        await RecordAsync("fast", Sent(1));
        var early = await FindAsync("fast");
        await Store.RecordAcceptedAsync(Key("fast"), Laptop, Noon);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(early, Is.EqualTo("Confirmed at 0; attempts 0; confirmed at 1 by <fast@shop.example>; [Confirmed at 1]"));
            Assert.That(await FindAsync("fast"), Is.EqualTo("Confirmed at 0; attempts 0; confirmed at 1 by <fast@shop.example>; [Placed at 0, Confirmed at 1]"));
        }
    }

    [Test]
    public async Task An_order_of_which_only_events_are_known_is_taken_for_the_one_that_is_sent()
    {
        await RecordAsync("stranger", Retrying(1));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await FindAsync("stranger"), Is.EqualTo("Retrying; attempts 1; next at 2; reason try 1; [Retrying at 1]"));
            Assert.That(await ClaimAsync("stranger"), Is.EqualTo(new StoreClaim.Known(NotificationStatus.Retrying, AcceptedAt: null)));
            Assert.That(await ClaimAsync("stranger", Phone), Is.EqualTo(new StoreClaim.Known(NotificationStatus.Retrying, AcceptedAt: null)), "The first one who sends it has no better claim than the next.");
        }
    }

    [Test]
    public async Task Events_in_any_order_and_any_number_come_to_the_same()
    {
        NotificationChange[] changes = [Retrying(1), Retrying(2), Sent(3)];
        var random = new Random(20261126);
        for (var i = 0; i < 30; i++)
        {
            var id = $"any-{i}";
            var told = changes.Concat(changes).ToArray();
            random.Shuffle(told);
            await PlaceAsync(id);
            foreach (var change in told)
            {
                await RecordAsync(id, change);
            }

            Assert.That(
                await FindAsync(id),
                Does.StartWith("Confirmed at 0").And.Contain("; confirmed at 3 by").And.Not.Contain("reason").And.EndsWith(", Confirmed at 3]"),
                string.Join(", ", told.Select(change => change.Status)));
        }
    }

    [Test]
    public async Task Confirmed_is_final()
    {
        await PlaceAsync("final");
        await RecordAsync("final", Sent(1));
        await RecordAsync("final", Sent(9));
        await RecordAsync("final", Failed(2));
        await RecordAsync("final", Retrying(3));

        Assert.That(await FindAsync("final"), Is.EqualTo("Confirmed at 0; attempts 0; confirmed at 1 by <final@shop.example>; [Placed at 0, Confirmed at 1]"));
    }

    [Test]
    public async Task Failed_is_left_only_by_what_happened_after_it()
    {
        await PlaceAsync("replayed");
        await RecordAsync("replayed", Retrying(1));
        await RecordAsync("replayed", Failed(3));
        await RecordAsync("replayed", Retrying(2));
        await RecordAsync("replayed", Failed(3));
        var failed = await FindAsync("replayed");
        await RecordAsync("replayed", Retrying(5));
        var retrying = await FindAsync("replayed");
        // What is delivered twice can come this late.
        await RecordAsync("replayed", Failed(3));
        var still = await FindAsync("replayed");
        await RecordAsync("replayed", Failed(6));
        await RecordAsync("replayed", Sent(7));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(failed, Is.EqualTo("Failed at 0; attempts 1; failed at 3; reason gave up 3; [Placed at 0, Retrying at 1, Failed at 3]"));
            Assert.That(retrying, Is.EqualTo("Retrying at 0; attempts 5; next at 6; reason try 5; [Placed at 0, Retrying at 1, Failed at 3, Retrying at 5]"));
            Assert.That(still, Is.EqualTo(retrying));
            Assert.That(
                await FindAsync("replayed"),
                Is.EqualTo("Confirmed at 0; attempts 5; confirmed at 7 by <replayed@shop.example>; [Placed at 0, Retrying at 1, Failed at 3, Retrying at 5, Failed at 6, Confirmed at 7]"));
        }
    }

    [Test]
    public async Task A_late_word_of_an_earlier_failure_does_not_count()
    {
        await PlaceAsync("late");
        await RecordAsync("late", Retrying(2));
        await RecordAsync("late", Retrying(1));
        await RecordAsync("late", Retrying(2));

        Assert.That(await FindAsync("late"), Is.EqualTo("Retrying at 0; attempts 2; next at 3; reason try 2; [Placed at 0, Retrying at 2]"));
    }

    [Test]
    public async Task The_history_does_not_grow_for_ever_and_still_has_the_end()
    {
        await PlaceAsync("long");
        for (var i = 1; i <= NotificationState.MostChanges + 20; i++)
        {
            await RecordAsync("long", Retrying(i));
        }

        await RecordAsync("long", Failed(1000));

        var found = await FindAsync("long");
        Assert.That(found, Does.StartWith($"Failed at 0; attempts {NotificationState.MostChanges + 20}; ").And.EndsWith(", Failed at 1000]"));
        Assert.That(found.Split('[')[1].Split(','), Has.Length.EqualTo(NotificationState.MostChanges + 1));
    }

    [Test]
    public async Task Who_listens_hears_of_changes_of_that_order_alone_until_the_end()
    {
        await using var listener = await Store.ListenAsync("heard", default);
        var other = await Store.ListenAsync("other", default);
        await other.DisposeAsync();

        await PlaceAsync("other");
        await PlaceAsync("heard");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await listener.WaitAsync(Patience, default), Is.True);
            Assert.That(await other.WaitAsync(TimeSpan.Zero, default), Is.False);
        }
    }

    [Test]
    public async Task Who_waits_for_a_claim_hears_that_it_ended()
    {
        var claim = (StoreClaim.Granted)await ClaimAsync("awaited");
        await using var listener = await Store.ListenAsync("awaited", default);

        await Store.EndClaimAsync(Key("awaited"), claim, inDoubt: true);

        Assert.That(await listener.WaitAsync(Patience, default), Is.True);
    }

    private NotificationKey Key(string orderId) => ofNotifications ? Returned(orderId) : NotificationKey.Confirmation(orderId);

    private Task<StoreClaim> ClaimAsync(string orderId, StoredContent? content = null, DateTimeOffset? now = null) =>
        Store.ClaimAsync(Key(orderId), content ?? Laptop, now ?? Noon, default);

    private async Task PlaceAsync(string orderId)
    {
        await ClaimAsync(orderId);
        await Store.RecordAcceptedAsync(Key(orderId), Laptop, Noon);
    }

    private Task RecordAsync(string orderId, NotificationChange change) => RecordAsync(Key(orderId), change);

    /// <summary>All that is known, in the words of the order and with times in minutes since noon.</summary>
    private async Task<string> FindAsync(string orderId)
    {
        var record = (await Store.FindAsync(orderId, default))!;
        Assert.That(record.OrderId, Is.EqualTo(orderId));
        if (ofNotifications)
        {
            var notification = record.Notifications!.Single();
            Assert.That(new NotificationKey(orderId, notification.Notification, notification.Reference), Is.EqualTo(Key(orderId)));
            Assert.That(record, Is.EqualTo(new OrderRecord(orderId, null, null, 0, null, null, null, null, null, record.History, null, record.Notifications)), "Nothing is known of the order itself.");
            Assert.That(record.History, Is.Empty);
            record = new OrderRecord(
                orderId,
                notification.Status.ToOrderStatus(),
                notification.AcceptedAt,
                notification.Attempts,
                notification.NextAttemptAt,
                notification.SentAt,
                notification.MessageId,
                notification.FailedAt,
                notification.Reason,
                [.. notification.History.Select(OrderChange.Of)]);
        }

        Assert.That(record.Notifications, Is.Null);
        return string.Join("; ", new[]
        {
            $"{record.Status}{(record.PlacedAt is null ? null : $" at {Minute(record.PlacedAt)}")}",
            $"attempts {record.Attempts}",
            record.NextAttemptAt is null ? null : $"next at {Minute(record.NextAttemptAt)}",
            record.ConfirmedAt is null ? null : $"confirmed at {Minute(record.ConfirmedAt)} by {record.MessageId}",
            record.FailedAt is null ? null : $"failed at {Minute(record.FailedAt)}",
            record.Reason is null ? null : $"reason {record.Reason}",
            $"[{string.Join(", ", record.History.Select(change => $"{change.Status} at {Minute(change.At)}"))}]",
        }.Where(part => part is not null));

        static int Minute(DateTimeOffset? time)
        {
            var minute = (int)(time!.Value - Noon).TotalMinutes;
            Assert.That(time, Is.EqualTo(minute == 0 ? Noon : At(minute)), "Every tick is kept.");
            return minute;
        }
    }
}
