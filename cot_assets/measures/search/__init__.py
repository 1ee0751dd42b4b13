"""What does a greedy search over chunks gain over plain sampling?"""
