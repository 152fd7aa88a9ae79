using System.Text.Json;
using System.Text.Json.Nodes;
using VmSim.Host.Service;

namespace VmSim.Host.Tests.Service;

public sealed class ServiceJsonTests
{
    /// <summary>A service of a later build may say more of a job; a node must understand all that it is told.</summary>
    [Fact]
    public void Answer_WithAFieldOfALaterBuild_IsReadByCommandsAlone()
    {
        JobView job = JobView.Of(new Job { Id = 7, Submission = 7, Name = "test", Owner = "ada", Request = "r" }, progress: null);
        string later = Later(job);
        Assert.Equal(7, JsonSerializer.Deserialize<JobView>(later, ServiceJson.Answers)!.Id);
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<JobView>(later, ServiceJson.Options));
        string order = Later(new NodeAnswer([], [], false));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<NodeAnswer>(order, ServiceJson.Options));

        // What is missing is no answer, whoever reads it.
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<JobView>("{\"id\":7}", ServiceJson.Answers));
    }

    private static string Later<T>(T answer)
    {
        JsonObject more = JsonSerializer.SerializeToNode(answer, ServiceJson.Options)!.AsObject();
        more["later"] = 1;
        return more.ToJsonString();
    }
}
