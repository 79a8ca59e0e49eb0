// dotnet test runs the tests without coming here; this is for what is run by hand.
return await ChaosCommand.RunAsync(args);
