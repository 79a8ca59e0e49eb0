namespace Orders.Tests.Valkey;

/// <summary>What tests with a real Valkey or Redis rely on.</summary>
public sealed class ValkeyServerTests
{
    [Test]
    public async Task What_was_written_is_there_after_a_kill_and_after_a_stop()
    {
        await using var server = await ValkeyServer.StartNewAsync();
        await using (var connection = await server.ConnectAsync())
        {
            await connection.GetDatabase().StringSetAsync("killed", "kept");
        }

        await server.KillAsync();
        await server.StartAsync();
        await using (var connection = await server.ConnectAsync())
        {
            await connection.GetDatabase().StringSetAsync("stopped", "kept");
        }

        await server.StopAsync();
        await server.StartAsync();

        await using var last = await server.ConnectAsync();
        var values = await last.GetDatabase().StringGetAsync(["killed", "stopped"]);
        Assert.That(values.Select(value => value.ToString()), Is.EqualTo(["kept", "kept"]));
    }
}
