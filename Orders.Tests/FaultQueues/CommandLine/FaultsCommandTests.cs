using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues;
using Orders.FaultQueues.CommandLine;
using Orders.FaultQueues.Operations;
using Orders.ServiceDefaults.CommandLine;

namespace Orders.Tests.FaultQueues.CommandLine;

/// <summary>The fault queues from a terminal and from a script.</summary>
internal sealed class FaultsCommandTests
{
    /// <summary>What a terminal would take for an order to clear the screen, and for another direction of text.</summary>
    private const string Evil = "\u001b[2Jevil\u009b1m\u202Etxt.exe\a";

    private OrderSystem _system = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _system = await OrderSystem.ServeAsync("Production", [.. Basic.Users, .. FailingOrders.Settings, ("Faults__AllowEditing", "true")]);
        await _system.FailAsync("stays", "stays-too");
        await _system.SendRawAsync(Encoding.UTF8.GetBytes(Evil), "text/plain");
        await _system.WaitForParked(1);
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _system.DisposeAsync();

    [Test]
    public async Task Without_a_command_it_shows_both_queues()
    {
        var ended = await RunAsync("rita", []);

        ended.Expect(0);
        Assert.That(ended.Output, Does.Match(@"error: \d+ messages, as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\n").And.Match(@"parked: \d+ message").And.Contain("TransientEmailException"));
    }

    [Test]
    public async Task A_list_has_its_columns_below_each_other()
    {
        var ended = await RunAsync("rita", ["list", "error", "--text", "stays", "--order-id", "stays", "--from", "2026-01-01", "--max-replays", "3", "--take", "5"]);

        ended.Expect(0);
        var lines = ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(3), ended.Output);
        foreach (var (column, value) in new[] { ("KIND", "Transient"), ("SUBJECT", "stays"), ("RECIPIENT", "customer@example.com") })
        {
            Assert.That(lines[1].IndexOf(value, StringComparison.Ordinal), Is.EqualTo(lines[0].IndexOf(column, StringComparison.Ordinal)), column);
        }
    }

    [TestCase("")]
    [TestCase("list error")]
    [TestCase("list order-confirmation/error")]
    [TestCase("groups error --order-id stays")]
    [TestCase("operations")]
    [TestCase("audit --who olga --take 3")]
    [TestCase("replay error --order-id stays --dry-run")]
    public async Task As_JSON_it_writes_what_the_API_says_and_nothing_else(string arguments)
    {
        var ended = await RunAsync("olga", [.. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--json"]);

        ended.Expect(0);
        Assert.That(() => JsonNode.Parse(ended.Output), Throws.Nothing);
    }

    [Test]
    public async Task Nothing_of_a_message_reaches_the_terminal_raw()
    {
        var list = await RunAsync("rita", ["list", "parked", "--json"]);
        var id = (string)JsonNode.Parse(list.Output)!["items"]!.AsArray().Single(fault => fault!["orderId"] is null)!["id"]!;

        foreach (var arguments in new[] { ["list", "parked"], ["groups", "parked"], ["show", "parked", id], Array.Empty<string>() })
        {
            var ended = await RunAsync("rita", arguments);

            ended.Expect(0);
            Assert.That(ended.Output.Where(c => (char.IsControl(c) && c != '\n') || c == '\u202E'), Is.Empty);
        }
    }

    [Test]
    public void What_is_not_visible_is_written_as_its_number() =>
        Assert.That(Terminal.Neutralise(Evil + " é漢😀\r\n\t"), Is.EqualTo(@"\u001b[2Jevil\u009b1m\u202etxt.exe\u0007 é漢😀\u000d\u000a\u0009"));

    [Test]
    public async Task A_message_is_shown_with_its_body_its_headers_and_its_stack()
    {
        var id = await IdOfAsync("stays");

        var ended = await RunAsync("rita", ["show", "error", id]);

        ended.Expect(0);
        Assert.That(ended.Output, Does.Contain("\"orderId\": \"stays\"").And.Contain("MT-Fault-Message: ").And.Contain("Stack trace:\n  ").And.Contain("Recipient     customer@example.com").And.Match(@"Trace id      [0-9a-f]{32}\n"));
    }

    [Test]
    public async Task Nobody_to_ask_means_that_nothing_is_done()
    {
        var ended = await RunAsync("olga", ["park", "error", "--order-id", "stays", "--reason", "x"]);

        ended.Expect(2, "Nobody is there to be asked: give --yes, or --dry-run to count the messages only.");
        Assert.That(await IdOfAsync("stays"), Is.Not.Null);
    }

    [TestCase("n")]
    [TestCase("")]
    [TestCase(null)]
    public async Task Whoever_does_not_say_yes_has_nothing_done(string? answer)
    {
        var ended = await RunAsync("olga", ["park", "error", "--order-id", "stays", "--reason", "x"], answer, canAsk: true);

        ended.Expect(1, "This will park 1 message of the error queue of order-confirmation (filter: subject stays). Go on? [y/N] Nothing was done.");
        Assert.That(await IdOfAsync("stays"), Is.Not.Null);
    }

    [Test]
    public async Task Who_says_yes_sees_how_it_goes_on_to_the_end()
    {
        await _system.FailAsync("by-hand");

        var parked = await RunAsync("olga", ["park", "error", "--order-id", "by-hand", "--reason", "by hand"], "y", canAsk: true);
        var discarded = await RunAsync("olga", ["discard", "parked", "--order-id", "by-hand", "--reason", "by script", "--yes"]);
        var audit = await RunAsync("rita", ["audit", "--order-id", "by-hand"]);
        var again = await RunAsync("olga", ["discard", "parked", "--order-id", "by-hand", "--reason", "by script", "--yes"]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(parked.ExitCode, Is.Zero, parked.Errors);
            Assert.That(parked.Output, Does.Match(@"Operation [0-9a-f]{8}: 1 of 1 parked\."));
            discarded.Expect(0);
            Assert.That(discarded.Output, Does.StartWith("This will discard 1 message of the parked queue of order-confirmation (filter: subject by-hand).\n").And.Contain("1 of 1 discarded."));
            Assert.That(audit.Output, Does.Contain("by hand").And.Contain("by script"));
            again.Expect(0);
            Assert.That(again.Output, Is.EqualTo("This would discard 0 messages of the parked queue of order-confirmation (filter: subject by-hand).\n"));
        }
    }

    [Test]
    public async Task A_detached_operation_can_be_cancelled_and_a_watched_one_left()
    {
        await _system.FailAsync("slow-1", "slow-2", "slow-3");
        string[] slowly = ["park", "error", "--text", "slow-", "--reason", "x", "--rate", "0.1", "--yes"];

        var detached = await RunAsync("olga", [.. slowly, "--detach", "--json"]);
        var id = (string)JsonNode.Parse(detached.Output)!["id"]!;
        var cancelled = await RunAsync("olga", ["cancel", id]);
        using var interruption = new CancellationTokenSource();
        using var screen = new Screen();
        var watching = RunAsync("olga", slowly, canAsk: true, cancellationToken: interruption.Token, output: screen);
        await screen.HasRewritten.WaitAsync(TimeSpan.FromSeconds(20));
        await interruption.CancelAsync();
        var left = await watching;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(cancelled.Output, Does.Contain(id).And.Contain("cancelled"));
            Assert.That(left.ExitCode, Is.EqualTo(1));
            Assert.That(left.Errors, Does.Match("^Operation ([0-9a-f]{8}) goes on. To cancel it: faults cancel \\1\n$"));
            Assert.That(left.Output, Does.Contain(" parked.\n"));
        }
    }

    [Test]
    public async Task An_edited_body_comes_from_a_file_or_from_standard_input()
    {
        await _system.FailAsync("edited");
        var details = await RunAsync("rita", ["show", "error", await IdOfAsync("edited"), "--json"]);
        var body = ((string)JsonNode.Parse(details.Output)!["text"]!).Replace("Laptop", "Tablet", StringComparison.Ordinal);

        var broken = await RunAsync("olga", ["edit", "error", await IdOfAsync("edited"), "--body-file", "-"], "{\n  oops");
        var edited = await RunAsync("olga", ["edit", "error", await IdOfAsync("edited"), "--body-file", "-", "--reason", "typing error"], body);

        broken.Expect(1, "body: The body is not JSON: line 2, byte 3.");
        edited.Expect(0);
        await _system.Log.WaitFor<FaultOperations>(224);
    }

    [Test]
    public async Task An_endpoint_that_is_not_there_is_told_with_those_that_are()
    {
        var names = string.Join(", ", _system.Worker.GetRequiredService<FaultEndpoints>().All);

        (await RunAsync("rita", ["list", "billing/error"])).Expect(1, $"There is no endpoint billing. There are {names}.");
    }

    [TestCase("rita", "replay error --order-id stays --yes", 1, "This takes an operator, and you are a reader.")]
    [TestCase("nobody", "", 1, "The name or the password is wrong.")]
    [TestCase(null, "", 1, "This takes a name and a password: set FAULTS_USER and FAULTS_PASSWORD, or give --user and --password-file.")]
    [TestCase("rita", "show error 0123", 1, "There is no such message in this queue, or no longer.")]
    [TestCase("rita", "list error --take 1000", 1, "take: This must be a whole number, 1 to 500.")]
    [TestCase("olga", "park error --order-id stays --yes", 2, "There is no --reason; the audit trail needs one.")]
    [TestCase("olga", "replay error --order-id stays --rate 0 --yes", 1, "rate: The rate must be between 0.1 and 10000 messages a second.")]
    [TestCase("rita", "list errors", 2, "'errors' is no queue. Say error or parked, or one of them after its endpoint, such as order-confirmation/error.")]
    [TestCase("rita", "list error --from yesterday", 2, "--from must be a time such as 2026-01-31T12:00:00Z, but is 'yesterday'.")]
    [TestCase("olga", "replay error --yes", 2, "There is no filter. If every message of the queue is meant, say --all.")]
    [TestCase("olga", "replay error --all --order-id stays --yes", 2, "--all and a filter exclude each other.")]
    [TestCase("rita", "--url nowhere", 2, "'nowhere' is no address such as http://localhost:3001.")]
    [TestCase("rita", "--url http://127.0.0.1:9", 1, "Cannot connect to http://127.0.0.1:9/: Connection refused (127.0.0.1:9)")]
    public async Task A_failure_is_one_line_and_an_exit_code(string? user, string arguments, int exitCode, string line) =>
        (await RunAsync(user, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Expect(exitCode, line);

    [Test]
    public async Task A_password_comes_from_a_file_too()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "rita-secret\n");

        (await RunAsync(null, ["operations", "--user", "rita", "--password-file", file])).Expect(0);
        File.Delete(file);
    }

    [Test]
    public async Task Where_the_fault_queues_are_closed_that_is_said()
    {
        await using var closed = await OrderSystem.ServeAsync("Production");

        var ended = await RunAsync(null, ["--url", closed.Http.BaseAddress!.ToString()]);

        ended.Expect(1, "This is closed here: there are no users. Faults__Users__0__Name, __Role and __PasswordFile add one.");
    }

    [TestCase("list", "--recipient")]
    [TestCase("replay", "--dry-run")]
    public async Task Help_is_given(string command, string option)
    {
        var ended = await RunAsync(null, [command, "--help"]);

        ended.Expect(0);
        Assert.That(ended.Output, Does.Contain(option).And.Contain("FAULTS_PASSWORD"));
    }

    [TestCase("list error --order-id stays --json", 0, "")]
    [TestCase("list parked", 0, "")]
    [TestCase("replay error --all", 2, "Nobody is there to be asked: give --yes, or --dry-run to count the messages only.")]
    [TestCase("show error 0123", 1, "There is no such message in this queue, or no longer.")]
    [TestCase("shows", 2, "Unrecognized command or argument 'shows'.")]
    public async Task The_real_program_does_the_same(string arguments, int exitCode, string error)
    {
        var ended = await RealProgram.Worker.RunAsync(
            ["faults", .. arguments.Split(' ')],
            ("FAULTS_URL", _system.Http.BaseAddress!.ToString()),
            ("FAULTS_USER", "olga"),
            ("FAULTS_PASSWORD", "olga-secret"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ended.ExitCode, Is.EqualTo(exitCode), ended.Output);
            Assert.That(string.Join('\n', ended.Errors), Is.EqualTo(error));
            Assert.That(ended.Output.Where(c => char.IsControl(c) && c is not ('\n' or '\r')), Is.Empty);
        }
    }

    private async Task<string> IdOfAsync(string orderId)
    {
        var ended = await RunAsync("rita", ["list", "error", "--order-id", orderId, "--json"]);
        return (string)JsonNode.Parse(ended.Output)!["items"]!.AsArray().Single()!["id"]!;
    }

    private async Task<Ended> RunAsync(
        string? user, string[] arguments, string? input = null, bool canAsk = false, StringWriter? output = null, CancellationToken cancellationToken = default)
    {
        output ??= new StringWriter { NewLine = "\n" };
        var errors = new StringWriter { NewLine = "\n" };
        var environment = new Dictionary<string, string?>
        {
            ["FAULTS_URL"] = _system.Http.BaseAddress!.ToString(),
            ["FAULTS_USER"] = user,
            ["FAULTS_PASSWORD"] = user is null ? null : $"{user}-secret",
        };
        using var reader = new StringReader(input ?? "");
        var exitCode = await FaultsCommand.RunAsync(
            arguments, new Terminal(reader, output, errors, canAsk, CanRewrite: canAsk, name => environment.GetValueOrDefault(name)), cancellationToken);
        return new Ended(exitCode, output.ToString(), errors.ToString());
    }

    /// <summary>Tells when a line is written over for the first time.</summary>
    private sealed class Screen : StringWriter
    {
        private readonly TaskCompletionSource _hasRewritten = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task HasRewritten => _hasRewritten.Task;

        public override void Write(string? value)
        {
            base.Write(value);
            if (value?.StartsWith('\r') == true)
            {
                _hasRewritten.TrySetResult();
            }
        }
    }

    private sealed record Ended(int ExitCode, string Output, string Errors)
    {
        public void Expect(int exitCode, string errors = "")
        {
            using (Assert.EnterMultipleScope())
            {
                Assert.That(ExitCode, Is.EqualTo(exitCode), Output);
                Assert.That(Errors.TrimEnd('\n'), Is.EqualTo(errors));
                Assert.That(exitCode == 0 || Output.Length == 0, Output);
            }
        }
    }
}
