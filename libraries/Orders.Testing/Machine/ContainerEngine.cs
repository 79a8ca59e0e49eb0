namespace Orders.Testing.Machine;

/// <summary>
/// The machine's container engine. A build server that has none says so with <c>ORDERS_TEST_CONTAINERS=off</c>: then
/// what needs one is skipped even there.
/// </summary>
public static class ContainerEngine
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan PullTime = TimeSpan.FromMinutes(3);
    private static readonly Lazy<Task<string?>> Problem = new(FindProblemAsync);
    private static readonly Lazy<Task<bool>> HasHostNetwork = new(FindHostNetworkAsync);

    /// <summary>Ends the calling test or fixture where no engine answers; returns where one does.</summary>
    public static async Task RequireAsync()
    {
        if (Environment.GetEnvironmentVariable("ORDERS_TEST_CONTAINERS") == "off")
        {
            Needs.Skip("No containers: ORDERS_TEST_CONTAINERS=off.");
        }

        if (await Problem.Value is { } problem)
        {
            Needs.Missing(problem);
        }
    }

    /// <summary>Ends the calling test or fixture where no engine answers, or where an image is neither there nor to be had.</summary>
    public static async Task RequireImageAsync(string image)
    {
        await RequireAsync();
        try
        {
            await RunAsync(["image", "inspect", image], AnswerTime);
        }
        catch (CommandException)
        {
            try
            {
                await RunAsync(["pull", "--quiet", image], PullTime);
            }
            catch (CommandException e)
            {
                Needs.Missing($"No image {image}: {e.Message.ReplaceLineEndings(" ")}");
            }
        }
    }

    /// <summary>Whether a container with <c>--network host</c> shares the network of the machine, not that of a virtual machine or a user.</summary>
    public static Task<bool> SharesNetworkAsync() => HasHostNetwork.Value;

    /// <summary>Runs <c>docker</c> with these arguments and returns what it wrote.</summary>
    public static Task<string> RunAsync(
        IEnumerable<string> arguments,
        TimeSpan within,
        IReadOnlyDictionary<string, string>? environment = null,
        string? folder = null) => Command.RunAsync("docker", arguments, within, environment, folder);

    private static async Task<bool> FindHostNetworkAsync()
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        var engine = await RunAsync(["info", "--format", "{{.OperatingSystem}} {{.SecurityOptions}}"], AnswerTime);
        return !engine.Contains("Docker Desktop", StringComparison.Ordinal) && !engine.Contains("rootless", StringComparison.Ordinal);
    }

    private static async Task<string?> FindProblemAsync()
    {
        if (Needs.FindProgram("docker") is null)
        {
            return "No container engine: docker is not on the PATH.";
        }

        try
        {
            await RunAsync(["version"], AnswerTime);
            await RunAsync(["compose", "version"], AnswerTime);
            return null;
        }
        catch (CommandException e)
        {
            return $"No container engine that answers: {e.Message.ReplaceLineEndings(" ")}";
        }
    }
}
