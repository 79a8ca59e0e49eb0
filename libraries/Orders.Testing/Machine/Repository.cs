namespace Orders.Testing.Machine;

/// <summary>The working copy that the tests were built from.</summary>
public static class Repository
{
    /// <summary>The folder of <c>Orders.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Orders.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException($"No Orders.sln above {AppContext.BaseDirectory}.");
        }

        return folder.FullName;
    }
}
