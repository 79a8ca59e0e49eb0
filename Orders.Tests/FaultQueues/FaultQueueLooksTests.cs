using System.Globalization;
using System.Text;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orders.FaultQueues;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.Tests.FaultQueues;

/// <summary>What looking does to a queue of a real broker: nothing.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class FaultQueueLooksTests(TransportUnderTest transport) : OrderSystemTests
{
    private const string Queue = OrderConfirmationEndpoint.ErrorQueue;

    private readonly List<IAsyncDisposable> _connections = [];

    [SetUp]
    public async Task StartAsync()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.DeclareFaultQueuesAsync(transport.QueueType);
    }

    [TearDown]
    public async Task DisconnectAsync()
    {
        foreach (var connection in _connections)
        {
            await connection.DisposeAsync();
        }

        _connections.Clear();
    }

    [Long]
    [Alone]
    [Test]
    public async Task A_thousand_looks_leave_every_message_its_order_and_its_headers_as_they_were()
    {
        await FillAsync(150);
        var faults = Open();
        var before = await LookAsync(faults);

        for (var look = 1; look <= 1_000; look++)
        {
            Assert.That(await LookAsync(faults), Is.EqualTo(before), $"look {look}");
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before.Select(message => message.Body), Is.EqualTo(Enumerable.Range(0, 150).Select(Text)));
            Assert.That(await faults.CountAsync(Queue, CancellationToken.None), Is.EqualTo(150));
            Assert.That(await TheSystem.CountAsync(Queue), Is.EqualTo(150));
        }
    }

    [Test]
    public async Task Looks_at_the_first_page_alone_leave_the_order_as_it_was()
    {
        await FillAsync(500);
        var faults = Open();
        var before = await LookAsync(faults);

        for (var look = 1; look <= 50; look++)
        {
            Assert.That(await LookAsync(faults, atMost: look), Is.EqualTo(before.Take(look)));
        }

        Assert.That(await LookAsync(faults), Is.EqualTo(before));
    }

    [Test]
    public async Task Ten_thousand_messages_keep_their_order()
    {
        await FillAsync(10_000);
        var faults = Open();

        var first = await LookAsync(faults);
        var second = await LookAsync(faults);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.Select(message => message.Body), Is.EqualTo(Enumerable.Range(0, 10_000).Select(Text)));
            Assert.That(second, Is.EqualTo(first));
        }
    }

    [Test]
    public async Task The_first_page_of_ten_thousand_that_nobody_has_looked_at_holds_no_more_than_a_hundred()
    {
        await FillAsync(10_000);
        var faults = Open();

        await using var session = await faults.OpenAsync(Queue, CancellationToken.None);
        var page = await session!.ReadAsync(CancellationToken.None).Take(50).CountAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(page, Is.EqualTo(50));
            Assert.That(session.Count, Is.EqualTo(10_000));
            Assert.That(await TheSystem.CountAsync(Queue), Is.GreaterThanOrEqualTo(9_900));
            Assert.That(await faults.CountAsync(Queue, CancellationToken.None), Is.EqualTo(10_000), "What is held counts.");
        }
    }

    [Test]
    public async Task What_comes_in_during_a_look_is_behind_what_was_there()
    {
        await FillAsync(300);
        var faults = Open();
        await using (var session = await faults.OpenAsync(Queue, CancellationToken.None))
        {
            var read = 0;
            await foreach (var _ in session!.ReadAsync(CancellationToken.None))
            {
                if (++read == 150)
                {
                    await FillAsync(200, from: 300);
                }
            }

            Assert.That(read, Is.EqualTo(300));
        }

        Assert.That((await LookAsync(faults)).Select(message => message.Body), Is.EqualTo(Enumerable.Range(0, 500).Select(Text)));
    }

    [Test]
    public async Task Of_two_that_want_to_look_the_second_waits_for_the_first()
    {
        await FillAsync(10);
        var (here, elsewhere) = (Open(), Open());
        var first = await here.OpenAsync(Queue, CancellationToken.None);

        var second = LookAsync(elsewhere);
        var third = LookAsync(here);
        Assert.That(second.IsCompleted || third.IsCompleted, Is.False);
        await first!.DisposeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await second.WaitAsync(TimeSpan.FromSeconds(10)), Has.Count.EqualTo(10));
            Assert.That(await third.WaitAsync(TimeSpan.FromSeconds(10)), Has.Count.EqualTo(10));
        }
    }

    [Test]
    public async Task A_look_whose_connection_is_cut_in_the_middle_does_not_end_as_if_it_had_seen_all()
    {
        await FillAsync(500);
        var connection = Connect();
        var session = await On(connection).OpenAsync(Queue, CancellationToken.None);
        var read = 0;

        await Assert.CatchAsync<RabbitMQClientException>(async () =>
        {
            await foreach (var _ in session!.ReadAsync(CancellationToken.None))
            {
                if (++read == 10)
                {
                    await connection.DisposeAsync();
                }
            }
        });

        Assert.That(read, Is.LessThan(500));
        await session!.DisposeAsync();
        await TheSystem.WaitForCountAsync(Queue, 500);
    }

    [Test]
    public async Task A_look_that_is_cancelled_ends_at_once_and_gives_everything_back()
    {
        await FillAsync(200);
        var faults = Open();
        using var cancelled = new CancellationTokenSource();
        var read = 0;
        await using (var session = await faults.OpenAsync(Queue, CancellationToken.None))
        {
            await Assert.CatchAsync<OperationCanceledException>(async () =>
            {
                await foreach (var _ in session!.ReadAsync(cancelled.Token))
                {
                    if (++read == 10)
                    {
                        await cancelled.CancelAsync();
                    }
                }
            });
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(read, Is.EqualTo(10));
            Assert.That((await LookAsync(faults)).Select(message => message.Body), Is.EqualTo(Enumerable.Range(0, 200).Select(Text)));
        }
    }

    [Test]
    public async Task A_look_whose_connection_is_cut_gives_everything_back()
    {
        await FillAsync(200);
        var connection = Connect();
        var session = await On(connection).OpenAsync(Queue, CancellationToken.None);
        Assert.That(await session!.ReadAsync(CancellationToken.None).CountAsync(), Is.EqualTo(200));

        await connection.DisposeAsync();

        await TheSystem.WaitForCountAsync(Queue, 200);
        Assert.That(await LookAsync(Open()), Has.Count.EqualTo(200), "Its lock is gone with it.");
        await session.DisposeAsync();
    }

    [Test]
    public async Task What_is_moved_is_gone_and_the_rest_keeps_its_order()
    {
        await FillAsync(1_000);
        var faults = Open();
        await using (var session = await faults.OpenAsync(Queue, CancellationToken.None))
        {
            var read = 0;
            await foreach (var held in session!.ReadAsync(CancellationToken.None))
            {
                if (read++ % 3 == 0)
                {
                    await session.CompleteAsync(held, CancellationToken.None);
                }
            }

            Assert.That(read, Is.EqualTo(1_000), "Also what the broker hands out for what is completed.");
        }

        Assert.That(
            (await LookAsync(faults)).Select(message => message.Body),
            Is.EqualTo(Enumerable.Range(0, 1_000).Where(number => number % 3 != 0).Select(Text)));
    }

    [TestCase(500, 1, 0)]
    [TestCase(1_000, 10, 3)]
    [TestCase(300, 1, 0, 50_000)]
    [TestCase(300, 100, 40, 50_000)]
    public async Task What_is_moved_in_portions_does_not_come_back(int count, int of, int stay, int size = 0)
    {
        await FillAsync(count, size: size);
        var faults = Open();
        await using (var session = await faults.OpenAsync(Queue, CancellationToken.None))
        {
            // Many more at the same time than the broker passes on at once.
            await foreach (var portion in session!.ReadPortionsAsync<HeldFault>(held => Stays(Number(held)) ? null : held, largest: () => 500, CancellationToken.None))
            {
                await Task.WhenAll(portion.Select(held => session!.CompleteAsync(held, CancellationToken.None)));
            }
        }

        Assert.That((await LookAsync(faults)).Select(message => message.MessageId), Is.EqualTo(Enumerable.Range(0, count).Where(Stays).Select(Text)));

        bool Stays(int number) => number % of < stay;
        static int Number(HeldFault held) => int.Parse(held.Message.MessageId!, CultureInfo.InvariantCulture);
    }

    [Test]
    public async Task A_queue_that_does_not_exist_is_no_mistake()
    {
        var faults = Open();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await faults.OpenAsync("no-such-queue", CancellationToken.None), Is.Null);
            Assert.That(await faults.CountAsync("no-such-queue", CancellationToken.None), Is.Zero);
            Assert.That(await faults.OpenAsync("no-such-queue", CancellationToken.None), Is.Null, "The turn was given back.");
        }
    }

    /// <summary>The transport of another process.</summary>
    private RabbitMqFaultTransport Open() => On(Connect());

    private static RabbitMqFaultTransport On(RabbitMqConnection connection)
    {
        var endpoints = new FaultEndpoints([ConfirmationFaults.Endpoint]);
        var rights = new RabbitMqFaultRights(endpoints, connection, TimeProvider.System, NullLogger<RabbitMqFaultRights>.Instance);
        var absent = new AbsentQueues(endpoints, TimeProvider.System);
        return new RabbitMqFaultTransport(connection, new RabbitMqFaultSender(endpoints, connection, rights, absent, TimeProvider.System), rights, absent);
    }

    private RabbitMqConnection Connect()
    {
        var connection = new RabbitMqConnection(Options.Create(TheSystem.BrokerOptions), new HostingEnvironment { ApplicationName = nameof(Tests) });
        _connections.Add(connection);
        return connection;
    }

    private async Task<IReadOnlyList<Seen>> LookAsync(RabbitMqFaultTransport faults, int atMost = int.MaxValue)
    {
        await using var session = await faults.OpenAsync(Queue, CancellationToken.None);
        return await session!.ReadAsync(CancellationToken.None).Take(atMost).Select(held => new Seen(
            Encoding.UTF8.GetString(held.Message.Body.Span),
            held.Message.MessageId!,
            string.Join(", ", held.Message.Headers.Keys.Where(IsNotCounted).Order().Select(name => $"{name}={held.Message.Text(name)}")))).ToListAsync();
    }

    /// <summary>
    /// The broker counts what it hands out. RabbitMQ 3 makes no difference between a message that comes back and one that
    /// is put back; 4.3 does, and must not count looks towards the delivery limit.
    /// </summary>
    private bool IsNotCounted(string header) => TheSystem.BrokerVersion.StartsWith("3.", StringComparison.Ordinal)
        ? header is not "x-delivery-count"
        : header is not "x-acquired-count";

    private async Task FillAsync(int count, int from = 0, int size = 0)
    {
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        foreach (var portion in Enumerable.Range(from, count).Chunk(200))
        {
            var confirms = portion.Select(number => channel.BasicPublishAsync(
                "",
                Queue,
                mandatory: true,
                new BasicProperties
                {
                    Persistent = true,
                    MessageId = Text(number),
                    Headers = new Dictionary<string, object?> { ["MT-Fault-Message"] = $"error {number}", ["number"] = number },
                },
                Encoding.UTF8.GetBytes(Text(number).PadLeft(size))).AsTask()).ToArray();
            await Task.WhenAll(confirms);
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed record Seen(string Body, string MessageId, string Headers);
}
